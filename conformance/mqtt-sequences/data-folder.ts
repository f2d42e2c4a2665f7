import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The packet sequences are not part of this repository; they lie in `shared/` beside the checkout. */
export const SEQUENCES_FOLDER = fileURLToPath(new URL("../../../shared/mqtt-sequences", import.meta.url));

/** For `test(name, { skip })`: false where the data is there, else the sentence to print. */
export const SEQUENCES_SKIP: string | false =
  !existsSync(SEQUENCES_FOLDER) && "the packet sequences are not in ../shared/mqtt-sequences beside the checkout";
