import "reflect-metadata";
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import type { TlsIdentity } from "../https-listener.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A CA and a server certificate for this name and address, made by an independent implementation. For tests. */
export async function testTlsIdentity(
  dnsName = "localhost",
  address = "127.0.0.1",
): Promise<TlsIdentity & { readonly caPem: string }> {
  const ca = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const server = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const common = {
    notBefore: new Date(Date.UTC(2020)),
    notAfter: new Date(Date.UTC(2120)),
    signingAlgorithm: ALGORITHM,
  };
  const root = await X509CertificateGenerator.createSelfSigned({
    ...common,
    name: "CN=Test CA",
    keys: ca,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const leaf = await X509CertificateGenerator.create({
    ...common,
    subject: `CN=${dnsName}`,
    issuer: root.subject,
    publicKey: server.publicKey,
    signingKey: ca.privateKey,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: "dns", value: dnsName },
        { type: "ip", value: address },
      ]),
    ],
  });
  return {
    caPem: root.toString("pem"),
    certificate: leaf.toString("pem"),
    privateKey: pem("PRIVATE KEY", Buffer.from(await crypto.subtle.exportKey("pkcs8", server.privateKey))),
  };
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
