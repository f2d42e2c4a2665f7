import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";
import { judgedFilter } from "./topic-rules.ts";

/** Takes away the subscriptions that policy no longer grants: on a restored session, and after a change. */
export async function dropRefusedSubscriptions(connection: Connection, session: Session): Promise<void> {
  const { context, admitted } = connection;
  const { authorizer } = admitted;
  const refused = [...session.entries.keys()].filter((filter) => !authorizer.subscribe(judgedFilter(filter)));
  if (refused.length === 0) return;
  for (const filter of refused) {
    context.sessions.unsubscribe(session, filter);
    connection.report("subscribe_not_authorized", `The subscription to ${filter} is no longer allowed.`);
  }
  await context.sessions.save(session);
}
