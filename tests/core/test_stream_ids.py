"""Stream ids that tell to which instance they belong."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.stream_ids import instance_tag, is_tagged, stream_id_from, stream_id_in

TAG, OTHER = instance_tag("host:/recordings"), instance_tag("host:/elsewhere")


@given(random=st.uuids(version=4), instance=st.text())
def test_a_stream_id_is_a_uuid_that_tells_its_instance(random: UUID, instance: str) -> None:
    """A UUID of version 8, as random as the one it was made from at its beginning."""
    made = UUID(stream_id_from(random, instance_tag(instance)))
    assert (made.version, made.variant) == (8, random.variant)
    assert str(made)[:14] == str(random)[:14]
    assert is_tagged(str(made), instance_tag(instance))


def test_another_instance_or_a_plain_uuid_is_not_ours() -> None:
    """Nor is a UUID of another version that happens to end in the same digits.

    Seen failing with `is_tagged` looking at the last digits alone.
    """
    ours = stream_id_from(uuid4(), TAG)
    assert is_tagged(ours, TAG)
    assert not is_tagged(ours, OTHER)
    assert not is_tagged(str(uuid4())[:-12] + TAG, TAG)
    assert not is_tagged("", TAG)


def test_a_stream_id_is_found_in_a_key() -> None:
    """Wherever the template puts it; of two the last, as a distinct key adds it behind."""
    one, two = stream_id_from(uuid4(), TAG), stream_id_from(uuid4(), TAG)
    assert stream_id_in(f"streams/{one}/a.mp4") == one
    assert stream_id_in(f"{one}~{two}.mp4") == two
    assert stream_id_in("cam/a.mp4") is None
