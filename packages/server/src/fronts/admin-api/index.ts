export { type AdminApi, type AdminApiSettings, createAdminApi } from "./admin-api.ts";
export type { TlsIdentity } from "./https-listener.ts";
export type * from "./ports.ts";
