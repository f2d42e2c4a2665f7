/* Verifies LEAF through INTERMEDIATE up to ROOT with mbed TLS, as devices do. Exit status 0: accepted. */
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  mbedtls_x509_crt root, chain;
  uint32_t flags = 0;
  const char *purpose;
  if (argc != 5) return 2;
  mbedtls_x509_crt_init(&root);
  mbedtls_x509_crt_init(&chain);
  /* A positive result counts certificates that could not be read. */
  if (mbedtls_x509_crt_parse_file(&root, argv[1]) != 0) return 3;
  if (mbedtls_x509_crt_parse_file(&chain, argv[3]) != 0) return 4;
  if (mbedtls_x509_crt_parse_file(&chain, argv[2]) != 0) return 5;
  if (mbedtls_x509_crt_verify(&chain, &root, NULL, NULL, &flags, NULL, NULL) != 0) {
    char text[512];
    mbedtls_x509_crt_verify_info(text, sizeof text, "", flags);
    fputs(text, stderr);
    return 1;
  }
  purpose = strcmp(argv[4], "server") == 0 ? MBEDTLS_OID_SERVER_AUTH : MBEDTLS_OID_CLIENT_AUTH;
  if (strcmp(argv[4], "any") == 0) return 0;
  return mbedtls_x509_crt_check_extended_key_usage(&chain, purpose, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0;
}
