"""The persistent shell: what a command prints, all of it and nothing else, whatever the command does."""

import time

from tests.environments.worlds.sandbox.conftest import Play


def test_folders_variables_functions_and_status_stay(play: Play) -> None:
    played = play("cd /etc; x=1; f() { echo called; }", "false", 'echo "$? $x $PWD"; f')
    assert [played.shell(at).text for at in range(3)] == ["", "", "1 1 /etc\ncalled\n"]


def test_it_is_a_login_shell_on_a_terminal_of_root(play: Play) -> None:
    played = play("shopt -q login_shell && tty && id -un && echo $HOME && pwd")
    assert played.shell(0).text == "/dev/pts/0\nroot\n/root\n/\n"


def test_text_reaches_the_shell_unchanged(play: Play) -> None:
    text = "a'b\"c\\d $x `y` !! \t é 漢 \x03\x04\x15\x16\x1a\x7f"
    quoted = text.replace("'", "'\\''")
    played = play(f"printf '%s' '{quoted}' | od -An -tx1 | tr -d ' \\n'", "cat <<'END'\nline 1\n\nline '3'\nEND")
    assert bytes.fromhex(played.shell(0).text).decode() == text
    assert played.shell(1).text == "line 1\n\nline '3'\n"


def test_lines_longer_than_a_terminal_takes_are_whole(play: Play) -> None:
    long = "é'" * 6000
    played = play("printf '%s' '" + long.replace("'", "'\\''") + "' | wc -c", "echo " + "x" * 20000 + " | wc -c")
    assert [played.shell(at).text for at in range(2)] == ["18000\n", "20001\n"]


def test_unbalanced_quotes_are_an_error_and_no_hang(play: Play) -> None:
    begun = time.monotonic()
    played = play("echo 'open", 'echo "open', "cat <<END\nno end", "if true; then", "echo fine")
    assert "unexpected EOF" in played.shell(0).text
    assert "unexpected EOF" in played.shell(1).text
    assert "no end" in played.shell(2).text
    assert "syntax error" in played.shell(3).text
    assert played.shell(4).text == "fine\n"
    assert not any(played.shell(at).timed_out for at in range(5))
    assert time.monotonic() - begun < 9


def test_nested_shells_stay_and_end_without_their_prompts(play: Play) -> None:
    played = play(
        "useradd -m jack 2>/dev/null; bash",
        "echo $SHLVL; cd /tmp",
        "sh",
        "echo $0; pwd",
        "exit",
        "pwd",
        "exit",
        "pwd; echo $SHLVL",
    )
    texts = [played.shell(at).text for at in range(8)]
    assert texts == ["", "2\n", "", "sh\n/tmp\n", "", "/tmp\n", "exit\n", "/\n1\n"]


def test_su_changes_the_user_of_the_following_commands(play: Play) -> None:
    played = play("useradd -m -s /bin/bash jack && su - jack", "whoami; pwd", "exit", "whoami")
    if played.facts["user"] == "single":
        assert "useradd" in played.facts["unsupported"]  # type: ignore[operator]
        return
    assert played.shell(1).text == "jack\n/home/jack\n"
    assert played.shell(3).text == "root\n"


def test_output_cannot_end_a_command(play: Play) -> None:
    forged = (
        "for i in 1 2 3; do printf '\\036%032x\\036' $i; done; set -v; set -x; echo one; history; sleep 0.4; echo two"
    )
    played = play(forged, "set +x; set +v", "echo three")
    assert played.shell(0).text.endswith("two\n") or "\ntwo\n" in played.shell(0).text
    assert played.shell(2).text == "three\n"


def test_a_command_that_waits_for_input_is_interrupted(play: Play) -> None:
    played = play("cd /tmp; cat", "read line", "python3 -q", "echo still $PWD", seconds=1)
    assert [played.shell(at).timed_out for at in range(4)] == [True, True, True, False]
    assert played.shell(3).text == "still /tmp\n"


def test_an_endless_loop_is_ended_at_the_deadline(play: Play) -> None:
    begun = time.monotonic()
    played = play("cd /tmp; echo begun; while :; do :; done", "pwd", "yes", "pwd", seconds=1)
    assert played.shell(0).text == "begun\n"
    assert played.shell(0).timed_out
    assert played.shell(1).text == "/tmp\n"
    assert played.shell(2).text.startswith("y\ny\n")
    assert played.shell(3).text == "/tmp\n"
    assert time.monotonic() - begun < 12


def test_a_loop_that_ignores_signals_costs_the_shell(play: Play) -> None:
    played = play("trap '' INT TERM QUIT HUP; cd /tmp; while :; do :; done", "pwd", seconds=1)
    assert (played.shell(0).timed_out, played.shell(0).restarted, played.shell(0).ended) == (True, True, False)
    assert played.shell(1).text == "/\n"


def test_a_shell_that_ends_is_followed_by_a_fresh_one(play: Play) -> None:
    played = play("echo bye; exit 3", "echo $x hello", "exec true", "kill -9 $$", "echo hello")
    assert (played.shell(0).text, played.shell(0).restarted) == ("bye\nlogout\n", True)
    assert played.shell(1).text == "hello\n"
    assert played.shell(2).restarted
    assert played.shell(3).restarted
    assert played.shell(4).text == "hello\n"


def test_killing_everything_leaves_the_supervisor(play: Play) -> None:
    played = play(
        "sleep 100 & /bin/kill -9 -1",
        "pgrep -c sleep",
        "kill -9 1; kill -STOP 1; kill -9 -1; echo alone",
        ["sh", "-c", "kill -9 -1; echo alone"],
        "echo $((1 + 1))",
    )
    assert played.shell(0).restarted
    assert played.shell(1).text == "0\n"
    assert played.shell(2).text.endswith("alone\n")
    assert played.execute(3).stdout == b"alone\n"
    assert not any(played.shell(at).ended for at in (0, 1, 2, 4))


def test_a_fork_bomb_is_held_and_cleared(play: Play) -> None:
    begun = time.monotonic()
    played = play(":(){ :|:& };:", "sleep 1", "echo alive; ls /proc | grep -c '^[0-9]'", seconds=2, processes=64)
    assert not played.shell(0).ended
    again = played.shell(2)
    assert "alive" in again.text or again.timed_out or again.restarted
    assert time.monotonic() - begun < 25


def test_binary_output_becomes_text(play: Play) -> None:
    played = play("head -c 2000 /bin/bash; echo; printf '\\377\\000\\033[31mred\\033[0m\\007\\r\\nend\\n'", "echo fine")
    assert played.shell(0).text.isprintable() or all(c.isprintable() or c in "\t\n\ufffd" for c in played.shell(0).text)
    assert played.shell(0).text.endswith("\ufffdred\nend\n")
    assert played.shell(1).text == "fine\n"


def test_a_hundred_megabytes_are_read_and_mostly_left_out(play: Play) -> None:
    played = play("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo end", "echo fine", seconds=60)
    text = played.shell(0).text
    assert len(text) < 2_000_000
    assert "bytes of output left out" in text
    assert text.endswith("x\nend\n")
    assert played.shell(1).text == "fine\n"


def test_a_full_disk_and_used_up_inodes_leave_the_shell_at_work(play: Play) -> None:
    played = play(
        "head -c 100M /dev/zero > /big",
        "echo works; rm /big; mkdir /many; for i in $(seq 3000); do : > /many/$i || break; done 2>&1 | tail -1",
        "echo works; ls /many | wc -l",
        ["sh", "-c", "echo works"],
        disk_mib=16,
        seconds=30,
    )
    assert "No space left" in played.shell(0).text or "File size limit" in played.shell(0).text
    assert played.shell(1).text.startswith("works\n")
    assert "No space left" in played.shell(1).text
    assert played.shell(2).text.startswith("works\n")
    assert played.execute(3).stdout == b"works\n"


def test_background_work_goes_on_between_commands(play: Play) -> None:
    played = play("(sleep 0.2; echo late > /tmp/late) &", "sleep 0.6; cat /tmp/late")
    assert played.shell(1).text.endswith("late\n")
