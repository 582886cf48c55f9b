"""A suite with a test that is recorded, and the file that it is recorded to."""

__all__ = ["FILE", "SOURCE"]

SOURCE = """
    from ami import core

    def test_members(ami_recording, ami_manager):
        request = core.QueueStatus("support")
        request.synchronous = True
        members = ami_manager.send_action(request).events["QueueMember"]
        assert [member["Name"] for member in members] == ["Alice"]
"""
FILE = "recordings/test_suite/test_members.yaml"
