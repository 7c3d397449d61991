// Run a Python file in Pyodide under Node: node run.mjs PYODIDE.MJS FILE.PY FOLDER; the file sees FOLDER as /packages.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [pyodideModule, file, folder] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodideModule).href);
const pyodide = await loadPyodide();
pyodide.mountNodeFS("/packages", folder);
pyodide.runPython("import warnings; warnings.simplefilter('ignore')");
pyodide.runPython(readFileSync(file, "utf8"));
