/** Where a template's hook is asked. Kept in the store; the webhook's secret is sealed there and shown to nobody. */
export type HookConfig =
  | { readonly kind: "webhook"; readonly url: string; readonly secret: string }
  | { readonly kind: "handler"; readonly fileName: string; readonly source: string };

/** AWS's pre-provisioning hook payload, version 2020-04-01. */
export interface HookRequest {
  readonly claimCertificateId: string;
  readonly certificateId: string;
  readonly certificatePem: string;
  readonly templateArn: string;
  readonly clientId: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface HookDecision {
  readonly parameterOverrides: Readonly<Record<string, string>>;
}

/**
 * Resolves with the overrides of a hook that allowed it; everything else is a Fault: hook_denied, hook_failed,
 * hook_timeout, hook_answer_invalid.
 */
export interface Hook {
  decide(request: HookRequest): Promise<HookDecision>;
  close(): Promise<void>;
}
