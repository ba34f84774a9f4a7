// The worker of one import or export: the page stays quick, and mail can be read meanwhile.
import { type Endpoint, serve } from "../../keys/rpc.ts";
import { ImportJob } from "./import_job.ts";

const scope = globalThis as unknown as Endpoint;
const job = new ImportJob((state) => scope.postMessage({ import: state }));

serve(scope, job, ["open", "begin", "pause", "goOn", "cancel", "failures"]);
