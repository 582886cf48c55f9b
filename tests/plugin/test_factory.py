"""Several servers in one test."""

pytest_plugins = ["pytester"]


def test_two_servers_in_one_world(suite):
    result = suite("""
        import ami
        import pytest

        @pytest.mark.ami(version="16")
        def test_two(ami_server_factory, ami_clock):
            one, other = ami_server_factory(), ami_server_factory(version="13", secret="other")
            versions = []
            for server in (one, other):
                with ami.Manager() as manager:
                    manager.connect(server.host, server.port)
                    manager.login(server.username, server.secret)
                    versions.append(manager.get_asterisk_info()[1])
            assert versions == ["5.0.4", "2.10.6"]
    """)
    result.assert_outcomes(passed=1)


def test_each_of_them_is_looked_at_in_the_end(suite):
    result = suite("""
        def test_it(ami_server_factory):
            ami_server_factory(faults=["drop event Hangup"])
            ami_server_factory(faults=["drop event Newchannel"])
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["this fault hit nothing: drop event Hangup*", "this fault hit nothing: drop event New*"]
    )


def test_what_is_wrong_with_an_option_is_said_in_one_line(suite):
    result = suite("""
        def test_it(ami_server_factory):
            ami_server_factory(version="17")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["version '17' is not known; *"])
