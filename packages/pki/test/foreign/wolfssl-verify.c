/* Verifies LEAF through INTERMEDIATE up to ROOT with wolfSSL, as devices do. Exit status 0: accepted. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <stdio.h>

int main(int argc, char **argv) {
  WOLFSSL_CERT_MANAGER *manager;
  int result;
  if (argc < 4) return 2;
  wolfSSL_Init();
  manager = wolfSSL_CertManagerNew();
  if (wolfSSL_CertManagerLoadCA(manager, argv[1], NULL) != WOLFSSL_SUCCESS) return 3;
  /* The intermediate must itself verify before it counts as a CA. */
  if (wolfSSL_CertManagerVerify(manager, argv[2], WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS) return 4;
  if (wolfSSL_CertManagerLoadCA(manager, argv[2], NULL) != WOLFSSL_SUCCESS) return 5;
  result = wolfSSL_CertManagerVerify(manager, argv[3], WOLFSSL_FILETYPE_PEM);
  if (result != WOLFSSL_SUCCESS) fprintf(stderr, "%d\n", result);
  return result != WOLFSSL_SUCCESS;
}
