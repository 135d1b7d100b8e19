import asyncio

from tests.environments.worlds.minisites.visitor import Visitor, visiting

from agenttuning.environments.worlds.minisites.rows import File, Issue, IssueLabel, Member, Note, Project


def projects(visitor: Visitor) -> tuple[str, Project, str]:
    """Return the place of the user's first project, that project, and the place of somebody else's."""
    mine = next(each for each in visitor.scene.all(Project) if each.owner == visitor.scene.user)
    members = {each.project_id for each in visitor.scene.all(Member) if each.account == visitor.scene.user}
    other = next(each for each in visitor.scene.all(Project) if each.id not in members)
    return f"/code/{mine.owner}/{mine.name}", mine, f"/code/{other.owner}/{other.name}"


def test_issues_are_opened_labelled_assigned_and_closed() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("code", "gitlab")
            place, project, _ = projects(visitor)
            before = sum(each.project_id == project.id for each in visitor.scene.all(Issue))
            page = await visitor.send(f"{place}/-/issues/new", title="A new one")
            assert page.url.path == f"{place}/-/issues/{before + 1}"
            issue = f"{place}/-/issues/{before + 1}"
            await visitor.client.post(f"{issue}/labels", data={"label": ["bug", "docs", "made up"]})
            await visitor.send(f"{issue}/assignee", assignee=f"@{visitor.scene.user}")
            await visitor.send(f"{issue}/notes", note="Well seen")
            await visitor.send(f"{issue}/state", state="closed")
            found = visitor.database.rows(Issue, "where project_id = ? order by number desc", project.id)[0]
            assert (found.state, found.assignee) == ("closed", visitor.scene.user)
            labels = visitor.database.rows(IssueLabel, "where project_id = ? and number = ?", project.id, before + 1)
            assert [each.label for each in labels] == ["bug", "docs"]
            assert visitor.database.rows(Note, "order by id desc limit 1")[0].body == "Well seen"
            shown = (await visitor.page(f"{place}/-/issues?state=closed&label=docs")).xpath("//ul[@class='rows']/li/a")
            assert "A new one" in [link.text for link in shown]

    asyncio.run(look())


def test_only_staff_changes_a_project() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("code", "gitlab")
            _, _, other = projects(visitor)
            assert (await visitor.send(f"{other}/-/issues/1/state", state="closed")).status_code == 403
            assert (await visitor.send(f"{other}/-/project_members", account="ada", role="Guest")).status_code == 403
            assert (await visitor.send(f"{other}/-/issues/new", title="From outside")).status_code == 200

    asyncio.run(look())


def test_members_are_known_people_with_known_roles() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("code", "gitlab")
            place, project, other = projects(visitor)
            name = other.split("/")[2]
            for account, role in ((name, "King"), ("nobody", "Guest"), (visitor.scene.user, "Guest")):
                assert (await visitor.send(f"{place}/-/project_members", account=account, role=role)).status_code == 422
            await visitor.send(f"{place}/-/project_members", account=name, role="Developer")
            members = visitor.database.rows(Member, "where project_id = ? and account = ?", project.id, name)
            assert [each.role for each in members] == ["Developer"]

    asyncio.run(look())


def test_files_are_shown_and_served_raw_and_projects_are_started() -> None:
    async def look() -> None:
        async with visiting() as visitor:
            await visitor.log_in("code", "gitlab")
            place, project, _ = projects(visitor)
            file = next(each for each in visitor.scene.all(File) if each.project_id == project.id)
            assert (await visitor.page(f"{place}/-/blob/main/{file.path}")).xpath("string(//pre)") == file.text
            assert (await visitor.get(f"{place}/-/raw/main/{file.path}")).text == file.text
            for name, status in (("../x", 422), ("", 422), ("My Plan", 200), ("my-plan", 422)):
                assert (await visitor.send("/code/projects/new", name=name)).status_code == status, name

    asyncio.run(look())
