#!/usr/bin/env node
// Plain JavaScript that Node 20 can parse: finds Node 24 and runs src/main.ts on it.
import { launch } from "@fleetmint/launcher";

launch(new URL("../src/main.ts", import.meta.url), process.argv.slice(2));
