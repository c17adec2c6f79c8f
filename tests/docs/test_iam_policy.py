"""The IAM policies of `deploy/aws` allow what the S3 adapter does, and nothing else."""

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cefmp4.core.keys import literal_prefix
from cefmp4.settings import Settings
from docs.pages import HOUSE

ADAPTER = HOUSE / "src" / "cefmp4" / "adapters" / "s3"
POLICIES = HOUSE / "deploy" / "aws"

OF_THE_BUCKET = {"s3:CreateBucket", "s3:ListBucket", "s3:ListBucketMultipartUploads"}
"""These name the bucket as their resource, the others what is in it."""

NEEDED: Mapping[str, set[str]] = {
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "complete_multipart_upload": {"s3:PutObject"},
    "create_bucket": {"s3:CreateBucket"},
    "create_multipart_upload": {"s3:PutObject"},
    "get_object": {"s3:GetObject"},
    "head_bucket": {"s3:ListBucket"},
    "head_object": {"s3:GetObject", "s3:ListBucket"},
    "list_multipart_uploads": {"s3:ListBucketMultipartUploads"},
    "list_objects_v2": {"s3:ListBucket"},
    "list_parts": {"s3:ListMultipartUploadParts"},
    "put_object": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
}
"""As the page "Required permissions for Amazon S3 API operations" of the Amazon S3 User Guide
has them. Without s3:ListBucket a HEAD of what is not there is answered 403 instead of 404."""


def _is_client(node: ast.expr) -> bool:
    """`client` or `self._client`."""
    return (isinstance(node, ast.Name) and node.id == "client") or (
        isinstance(node, ast.Attribute) and node.attr == "_client"
    )


def _operations() -> Iterator[str]:
    """Every method of the S3 client that the adapter calls."""
    for path in sorted(ADAPTER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            function = node.func if isinstance(node, ast.Call) else None
            if isinstance(function, ast.Attribute) and _is_client(function.value):
                yield function.attr


def _statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((POLICIES / name).read_text(encoding="utf-8"))
    assert policy["Version"] == "2012-10-17"
    statements: list[dict[str, Any]] = policy["Statement"]
    assert all(statement["Effect"] == "Allow" for statement in statements)
    return statements


def _allowed(name: str) -> set[str]:
    return {action for statement in _statements(name) for action in statement["Action"]}


def test_the_policy_allows_what_the_adapter_calls_and_no_more() -> None:
    """Seen failing with an action left out, with s3:DeleteObject, and with a call that is
    new in the adapter."""
    called = set(_operations())
    assert called == NEEDED.keys()
    daily = set().union(*(NEEDED[name] for name in called - {"create_bucket"}))
    assert _allowed("policy.json") == daily
    assert _allowed("policy-create-bucket.json") == NEEDED["create_bucket"] - daily


def test_what_settings_ask_for_is_allowed_apart() -> None:
    """Tags and encryption by KMS need more, and only where they are set. Seen failing."""
    assert _allowed("policy-tags.json") == {"s3:PutObjectTagging"}
    assert _allowed("policy-kms.json") == {"kms:Decrypt", "kms:GenerateDataKey"}


@pytest.mark.parametrize(
    "name", ["policy.json", "policy-create-bucket.json", "policy-tags.json"]
)
def test_each_action_is_allowed_where_it_acts(name: str) -> None:
    """On the bucket, or on what lies under the prefix of S3_KEY_TEMPLATE: the other way round
    a policy allows nothing. Seen failing with the resources exchanged."""
    prefix = literal_prefix(Settings.model_fields["s3_key_template"].default)
    for statement in _statements(name):
        of_bucket = set(statement["Action"]) <= OF_THE_BUCKET
        assert of_bucket or not set(statement["Action"]) & OF_THE_BUCKET
        within = "" if of_bucket else f"/{prefix}*"
        assert statement["Resource"] == f"arn:aws:s3:::BUCKET{within}"


def test_the_lifecycle_rule_aborts_uploads_and_touches_no_object() -> None:
    """A second net for uploads alone. Seen failing with an Expiration beside it."""
    rules = json.loads((POLICIES / "lifecycle.json").read_text(encoding="utf-8"))["Rules"]
    [rule] = rules
    assert rule.keys() == {"ID", "Status", "Filter", "AbortIncompleteMultipartUpload"}
    prefix = literal_prefix(Settings.model_fields["s3_key_template"].default)
    assert rule["Filter"] == {"Prefix": prefix}
