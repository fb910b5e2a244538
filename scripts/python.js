// Lints, type-checks and tests the Python library, in an environment of its own under build/python. If Python
// is missing it says so, and fails only if SEALPIPE_REQUIRE_TOOLCHAINS is set, as in CI. Arguments go to
// pytest. PYTHON names another interpreter than python3.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = join(root, "python");
const benchmark = join(root, "bench/python");
const pagesWithPrograms = ["python/README.md", "docs/python.md", "docs/sidecars.md"];
const interpreter = process.env.PYTHON ?? (process.platform === "win32" ? "python" : "python3");
const probe = "import ensurepip, sys, venv; assert sys.version_info >= (3, 10); print(sys.version)";

function capture(command, args) {
  return spawnSync(command, args, { encoding: "utf8" });
}

/** Ends the process: as a success for users, as a failure if every toolchain is required. */
function skip(reason) {
  const required = Boolean(process.env.SEALPIPE_REQUIRE_TOOLCHAINS);
  console.error(`${required ? "✖" : "﹣"} ${reason}: Python's tests ${required ? "fail" : "are skipped"}`);
  process.exit(required ? 1 : 0);
}

/**
 * The environment's interpreter. The environment is created again when the interpreter or its packages have
 * changed.
 */
function prepareEnvironment(version) {
  const environment = join(root, "build/python", `venv-${version.split(" ")[0]}`);
  const python = join(environment, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const stampFile = join(environment, "stamp");
  const wanted = readFileSync(join(project, "pyproject.toml"), "utf8") + version + project;
  const stamp = createHash("sha256").update(wanted).digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return python;

  rmSync(environment, { recursive: true, force: true });
  mkdirSync(join(root, "build/python"), { recursive: true });
  const made = capture(interpreter, ["-m", "venv", environment]);
  if (made.status !== 0) skip(`an environment cannot be made: ${made.stdout}${made.stderr}`);
  const pip = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--editable",
    `${project}[dev]`,
  ];
  const installed = capture(python, pip);
  if (installed.status !== 0) skip(`its packages cannot be installed: ${installed.stderr.trim()}`);
  writeFileSync(stampFile, stamp);
  return python;
}

function run(python, ...args) {
  console.log(`\n> python -m ${args.join(" ")}`);
  const { status } = spawnSync(python, ["-m", ...args], { cwd: project, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/** Checks the types of the library, the examples and the tests as users' editors do, with pyright from npm. */
function checkWithPyright(python) {
  const examples = join(root, "build/python/examples");
  rmSync(examples, { recursive: true, force: true });
  mkdirSync(examples, { recursive: true });
  for (const page of pagesWithPrograms) {
    const blocks = [...readFileSync(join(root, page), "utf8").matchAll(/^```python\n(.*?)^```/gms)];
    if (blocks.length === 0) throw new Error(`${page} has no program in Python`);
    for (const [index, [, program]] of blocks.entries()) {
      writeFileSync(join(examples, `${page.replace(/\W+/g, "_")}_${index + 1}.py`), program);
    }
  }
  console.log("\n> pyright");
  const pyright = join(root, "node_modules/pyright/index.js");
  const args = [pyright, "--project", project, "--pythonpath", python];
  const { status } = spawnSync(process.execPath, args, { cwd: project, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const probed = capture(interpreter, ["-c", probe]);
if (probed.error) skip(`${interpreter} is not installed`);
if (probed.status !== 0)
  skip(`${interpreter} is older than 3.10, or lacks venv (on Debian: apt-get install python3-venv)`);

const python = prepareEnvironment(probed.stdout.trim());
console.log(`Python ${probed.stdout.trim()}`);
run(python, "ruff", "check", ".", benchmark);
run(python, "ruff", "format", "--check", ".", benchmark);
run(python, "mypy");
run(python, "mypy", benchmark);
checkWithPyright(python);
const chosen = process.argv.slice(2);
if (chosen.length > 0) {
  run(python, "pytest", "-q", ...chosen);
} else {
  // One process more than there are processors: many tests wait for other programs.
  const processes = String(availableParallelism() + 1);
  run(python, "pytest", "-q", "-n", processes, "--dist", "worksteal", "--cov", "--cov-report=");
  // The protocol has full coverage, in Python as in TypeScript. The conformance rules run in processes of their
  // own, and so do sidecars, which end by SIGKILL or without more ado: test/sidecar starts them.
  run(python, "coverage", "report", "--include=*/protocol/*", "--fail-under=100", "--skip-covered");
  run(
    python,
    "coverage",
    "report",
    "--omit=*/protocol/*,*/conformance/*,*/named_pipe.py,*/sidecar/*",
    "--fail-under=95",
    "--skip-covered",
  );
}
