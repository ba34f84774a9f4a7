// The worker of one import or export: the page stays quick, and mail can be read meanwhile.
import { type Endpoint, serve } from "../../keys/rpc.ts";
import { ExportJob } from "./export_job.ts";
import { ImportJob } from "./import_job.ts";

const scope = globalThis as unknown as Endpoint & { name: string };

if (scope.name === "export")
	serve(scope, new ExportJob((state, result) => scope.postMessage({ export: state, result })), ["begin", "cancel"]);
else
	serve(scope, new ImportJob((state) => scope.postMessage({ import: state })), ["open", "begin", "pause", "goOn", "cancel", "failures"]);
