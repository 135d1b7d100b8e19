"""The code host: projects, files, issues with labels, merge requests, members with roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from agenttuning.environments.worlds.minisites.database import TODAY
from agenttuning.environments.worlds.minisites.rows import (
    Account,
    File,
    Issue,
    IssueLabel,
    Label,
    Member,
    MergeRequest,
    Note,
    Project,
)
from agenttuning.environments.worlds.minisites.seeding.words import ROLES
from agenttuning.environments.worlds.minisites.site import Part, Site, SiteName, go, missing, read_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_STAFF: Final = ("Owner", "Maintainer")
_STATES: Final = ("open", "closed", "all")


class Code(Site):
    """Projects; who is a member changes them."""

    name: ClassVar[SiteName] = "gitlab"
    title: ClassVar[str] = "Code"
    folder: ClassVar[str] = "code"
    about: ClassVar[str] = "Projects with files, issues and merge requests."

    def routes(self) -> Sequence[Route]:
        """Return the addresses; those inside of a project are the official host's."""
        project = "/{owner}/{project}"
        issue, merge = f"{project}/-/issues/{{number:int}}", f"{project}/-/merge_requests/{{number:int}}"
        return [
            Route("/", self._home),
            Route("/search", self._search),
            Route("/dashboard/issues", self._my_issues),
            Route("/projects/new", self._ask_project),
            Route("/projects/new", self._create_project, methods=["POST"]),
            Route(f"{project}/-/blob/main/{{path:path}}", self._file),
            Route(f"{project}/-/raw/main/{{path:path}}", self._raw),
            Route(f"{project}/-/issues", self._issues),
            Route(f"{project}/-/issues/new", self._ask_issue),
            Route(f"{project}/-/issues/new", self._create_issue, methods=["POST"]),
            Route(issue, self._issue),
            Route(f"{issue}/state", self._change_state, methods=["POST"]),
            Route(f"{issue}/labels", self._change_labels, methods=["POST"]),
            Route(f"{issue}/assignee", self._assign, methods=["POST"]),
            Route(f"{issue}/notes", self._note, methods=["POST"]),
            Route(f"{project}/-/merge_requests", self._merge_requests),
            Route(merge, self._merge_request),
            Route(f"{merge}/notes", self._note, methods=["POST"]),
            Route(f"{project}/-/project_members", self._members),
            Route(f"{project}/-/project_members", self._invite, methods=["POST"]),
            Route(project, self._project),
        ]

    async def _home(self, request: Request) -> Response:
        account = self.account(request) or ""
        projects = self.database.rows(Project, "where owner = ? order by name", account)
        if not account:
            projects = self.database.rows(Project, "order by name")
        heading = "Your projects" if account else "Projects"
        return self.page(request, "projects", heading=heading, part=Part(projects, request))

    async def _search(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()
        found = self.database.rows(
            Project, "where instr(lower(owner || '/' || name || ' ' || about), lower(?)) order by name", wanted
        )
        return self.page(request, "projects", heading=f"Results for “{wanted}”", part=Part(found, request))

    async def _my_issues(self, request: Request) -> Response:
        account = self.someone(request)
        issues = self.database.rows(Issue, "where assignee = ? and state = 'open' order by day desc, title", account)
        projects = {project.id: project for project in self.database.rows(Project)}
        return self.page(request, "my_issues", part=Part(issues, request), projects=projects)

    async def _ask_project(self, request: Request) -> Response:
        self.someone(request)
        return self.page(request, "new_project")

    async def _create_project(self, request: Request) -> Response:
        account, form = self.someone(request), await read_form(request)
        name = form.get("name", "").lower().replace(" ", "-")
        if not name or not name.replace("-", "").replace("_", "").isalnum():
            raise HTTPException(422, "A project's name consists of letters, digits and dashes.")
        if self.database.first(Project, "where owner = ? and name = ?", account, name):
            raise HTTPException(422, "You have a project of this name.")
        number = self.database.number("select max(id) from project") + 1
        self.database.add(Project(number, account, name, form.get("about", ""), 0))
        self.database.add(Member(number, account, "Owner"))
        return go(request, f"/{account}/{name}")

    async def _project(self, request: Request) -> Response:
        project = self._wanted(request)
        files = self.database.rows(File, "where project_id = ? order by path", project.id)
        count = self.database.number("select count(*) from issue where project_id = ? and state = 'open'", project.id)
        return self.page(request, "project", project=project, files=files, issues=count)

    async def _file(self, request: Request) -> Response:
        project = self._wanted(request)
        return self.page(request, "file", project=project, file=self._wanted_file(request, project))

    async def _raw(self, request: Request) -> Response:
        return PlainTextResponse(self._wanted_file(request, self._wanted(request)).text)

    async def _issues(self, request: Request) -> Response:
        project = self._wanted(request)
        state, label = request.query_params.get("state", "open"), request.query_params.get("label", "")
        issues = self.database.rows(
            Issue,
            "where project_id = ? and ? in ('all', state) and (? = '' or exists (select 1 from issue_label l "
            "where l.project_id = t.project_id and l.number = t.number and l.label = ?)) order by number desc",
            project.id,
            state,
            label,
            label,
        )
        labels = self.database.rows(Label, "where project_id = ? order by name", project.id)
        part = Part(issues, request)
        return self.page(request, "issues", project=project, part=part, state=state, states=_STATES, labels=labels)

    async def _ask_issue(self, request: Request) -> Response:
        self.someone(request)
        return self.page(request, "new_issue", project=self._wanted(request))

    async def _create_issue(self, request: Request) -> Response:
        account, project, form = self.someone(request), self._wanted(request), await read_form(request)
        if not form.get("title"):
            raise HTTPException(422, "The issue has no title.")
        number = self.database.number("select max(number) from issue where project_id = ?", project.id) + 1
        self.database.add(Issue(project.id, number, form["title"], form.get("body", ""), account, "", "open", TODAY))
        return go(request, f"{project_path(project)}/-/issues/{number}")

    async def _issue(self, request: Request) -> Response:
        project = self._wanted(request)
        issue = self._wanted_issue(request, project)
        held = self.database.rows(
            IssueLabel, "where project_id = ? and number = ? order by label", project.id, issue.number
        )
        return self.page(
            request,
            "issue",
            project=project,
            issue=issue,
            held=[each.label for each in held],
            labels=self.database.rows(Label, "where project_id = ? order by name", project.id),
            notes=self._notes(project, "issues", issue.number),
        )

    async def _change_state(self, request: Request) -> Response:
        project = self._own(request)
        issue, form = self._wanted_issue(request, project), await read_form(request)
        state = "closed" if form.get("state") == "closed" else "open"
        return self._update(request, project, issue, "state", state)

    async def _assign(self, request: Request) -> Response:
        project = self._own(request)
        issue, form = self._wanted_issue(request, project), await read_form(request)
        name = form.get("assignee", "").lstrip("@")
        if name and not self.database.first(Account, "where site = ? and name = ?", self.name, name):
            raise HTTPException(422, f"There is no user {name}.")
        return self._update(request, project, issue, "assignee", name)

    def _update(self, request: Request, project: Project, issue: Issue, column: str, value: str) -> Response:
        self.database.change(
            f"update issue set {column} = ? where project_id = ? and number = ?",  # noqa: S608  a column of ours
            value,
            project.id,
            issue.number,
        )
        return go(request, f"{project_path(project)}/-/issues/{issue.number}")

    async def _change_labels(self, request: Request) -> Response:
        project = self._own(request)
        issue, form = self._wanted_issue(request, project), await read_form(request)
        self.database.change("delete from issue_label where project_id = ? and number = ?", project.id, issue.number)
        for label in self.database.rows(Label, "where project_id = ?", project.id):
            if label.name in form.get("label", "").split(","):
                self.database.add(IssueLabel(project.id, issue.number, label.name))
        return go(request, f"{project_path(project)}/-/issues/{issue.number}")

    async def _note(self, request: Request) -> Response:
        account, project, form = self.someone(request), self._wanted(request), await read_form(request)
        kind = "issues" if "/-/issues/" in request.url.path else "merge_requests"
        if kind == "issues":
            number = self._wanted_issue(request, project).number
        else:
            number = self._wanted_merge_request(request, project).number
        if not form.get("note"):
            raise HTTPException(422, "The comment is empty.")
        new = self.database.number("select max(id) from note") + 1
        self.database.add(Note(new, project.id, kind, number, account, form["note"], TODAY))
        return go(request, f"{project_path(project)}/-/{kind}/{number}")

    async def _merge_requests(self, request: Request) -> Response:
        project = self._wanted(request)
        found = self.database.rows(MergeRequest, "where project_id = ? order by number desc", project.id)
        return self.page(request, "merge_requests", project=project, part=Part(found, request))

    async def _merge_request(self, request: Request) -> Response:
        project = self._wanted(request)
        merge = self._wanted_merge_request(request, project)
        notes = self._notes(project, "merge_requests", merge.number)
        return self.page(request, "merge_request", project=project, merge=merge, notes=notes)

    async def _members(self, request: Request) -> Response:
        project = self._wanted(request)
        members = self.database.rows(Member, "where project_id = ? order by role != 'Owner', account", project.id)
        return self.page(request, "members", project=project, members=members, roles=ROLES)

    async def _invite(self, request: Request) -> Response:
        project, form = self._own(request), await read_form(request)
        name, role = form.get("account", "").lstrip("@"), form.get("role", "")
        if role not in ROLES:
            raise HTTPException(422, f"Choose a role: {', '.join(ROLES)}.")
        if not self.database.first(Account, "where site = ? and name = ?", self.name, name):
            raise HTTPException(422, f"There is no user {name}.")
        if name == project.owner:
            raise HTTPException(422, "The owner stays the owner.")
        self.database.change("insert or replace into member values (?, ?, ?)", project.id, name, role)
        return go(request, f"{project_path(project)}/-/project_members")

    def _own(self, request: Request) -> Project:
        """Return the project of a change, which only its staff may make."""
        account, project = self.someone(request), self._wanted(request)
        member = self.database.first(Member, "where project_id = ? and account = ?", project.id, account)
        if member is None or member.role not in _STAFF:
            raise HTTPException(403, "Only owners and maintainers of the project do this.")
        return project

    def _wanted(self, request: Request) -> Project:
        place = request.path_params
        project = self.database.first(Project, "where owner = ? and name = ?", place["owner"], place["project"])
        if project is None:
            raise missing("project")
        return project

    def _wanted_file(self, request: Request, project: Project) -> File:
        path = request.path_params["path"]
        file = self.database.first(File, "where project_id = ? and path = ?", project.id, path)
        if file is None:
            raise missing("file")
        return file

    def _wanted_issue(self, request: Request, project: Project) -> Issue:
        number = request.path_params["number"]
        issue = self.database.first(Issue, "where project_id = ? and number = ?", project.id, number)
        if issue is None:
            raise missing("issue")
        return issue

    def _wanted_merge_request(self, request: Request, project: Project) -> MergeRequest:
        number = request.path_params["number"]
        merge = self.database.first(MergeRequest, "where project_id = ? and number = ?", project.id, number)
        if merge is None:
            raise missing("merge request")
        return merge

    def _notes(self, project: Project, kind: str, number: int) -> list[Note]:
        return self.database.rows(
            Note, "where project_id = ? and kind = ? and number = ? order by id", project.id, kind, number
        )


def project_path(project: Project) -> str:
    """Return a project's address inside the site."""
    return f"/{project.owner}/{project.name}"
