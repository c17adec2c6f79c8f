"""One recording on its way to the store: observe, plan, perform, record, wait.

The same five steps serve a new file, a growing one, one found after a restart and one
whose last attempt failed. `glance` is the first two, cheap enough for every tick;
`turn` is one whole iteration. Nobody tells a stream what happened, only that it is worth
a look; on any failure it forgets what it believed and asks again.
"""

from typing import assert_never

from cefmp4.admission import slots_for
from cefmp4.beginning import first_checkpoint
from cefmp4.core import actions as do
from cefmp4.core.actions import Action, Plan
from cefmp4.core.growth import age_seconds
from cefmp4.core.model import LIVE, Checkpoint, Status
from cefmp4.core.plan import plan
from cefmp4.core.wishes import concerns
from cefmp4.errors import CefMP4Error, Fenced, Stopping, UploadGone
from cefmp4.finishing import Finishing
from cefmp4.following import Following
from cefmp4.ledger import Ledger
from cefmp4.lull import Lull
from cefmp4.progress import Progress
from cefmp4.retry import backoff_seconds
from cefmp4.sight import Sight
from cefmp4.slots import Urgency
from cefmp4.telling import Telling
from cefmp4.together import finish_all
from cefmp4.uploading import Uploading, urgency_of
from cefmp4.world import World

NO_PROOF = (do.Inspect, do.AdoptUpload, do.CreateUpload, do.SealNow, do.Resolve)
"""That these succeed does not show that what failed before them would now."""


class Stream:
    """The upload of one generation of one recording."""

    def __init__(self, world: World, path: str, checkpoint: Checkpoint | None = None) -> None:
        self.world = world
        self.first_path = path
        self._first_id = checkpoint.stream_id if checkpoint else world.new_stream_id()
        self.ledger = Ledger(world.checkpoints, checkpoint, world.clock)
        resumed = checkpoint is not None
        self.sight = Sight(upload_may_exist=resumed, looked_into=resumed)
        self.lull = Lull(self.sight)
        self.progress = Progress(why_since=world.clock.monotonic())
        self.failures = 0
        """How often in a row the last step failed."""
        self.telling = Telling.of(world, path, checkpoint)
        self._following = Following(world, self.ledger, self.sight, self.telling)
        self._uploading = Uploading(world, self.ledger, self.sight, self.telling)
        self._finishing = Finishing(world, self.ledger, self.sight, self.telling)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """What is remembered of it; None before it has begun."""
        return self.ledger.checkpoint

    @property
    def stream_id(self) -> str:
        """Stays the same until it begins, as its key may be reserved already; then it is what
        is remembered: of one that was found again in the store, the one of its first life."""
        return self.checkpoint.stream_id if self.checkpoint else self._first_id

    @property
    def achieved(self) -> tuple[int, int]:
        """Differs from what it was once anything has come of its turns."""
        return self.ledger.steps, self.sight.reread

    @property
    def path(self) -> str:
        """Where its recording is, as far as known."""
        return self.checkpoint.path if self.checkpoint else self.first_path

    @property
    def ended(self) -> bool:
        """It has reached a status that only a person can change, and none wants to."""
        cp = self.checkpoint
        return cp is not None and cp.status not in LIVE and not self.wished

    @property
    def wished(self) -> bool:
        """A person asked for something that is still to be done."""
        wish, cp = self.sight.wish, self.checkpoint
        return wish is not None and cp is not None and concerns(wish, cp)

    @property
    def has_nothing(self) -> bool:
        """It has not begun, and there is nothing to begin with."""
        return self.checkpoint is None and not self.sight.size_bytes

    @property
    def may_begin(self) -> bool:
        """It has not begun, and for all that was seen there may be something to begin with."""
        unseen = self.sight.version is None and self.sight.missing_since is None
        return self.checkpoint is None and (unseen or not self.has_nothing)

    @property
    def needs_scan(self) -> bool:
        """Its file has been missing for long, but not yet in a whole scan."""
        missing_since, horizon = self.sight.missing_since, self.world.horizon
        if missing_since is None or self.checkpoint is None or horizon.hides(self.checkpoint):
            return False
        grace = self.world.policy.grace_seconds(another_is_there=self.sight.version is not None)
        overdue = self.world.clock.monotonic() - missing_since >= grace
        return overdue and horizon.scanned_at - missing_since < grace

    def glance(self) -> Plan:
        """Observe and plan. Costs a stat; raises ChunkProcessingError as `Disk.stat` does."""
        now = self.world.clock.monotonic()
        inode = self.checkpoint.identity[1] if self.checkpoint else None
        version = self.world.disk.stat(self.path)
        if version is not None and not self.sight.growth:
            age = age_seconds(version, self.checkpoint, self.world.clock.now())
            self.sight.growth.reached(version.size_bytes, now - age)
        self.sight.observe(version, inode, now)
        if self.sight.version is None and self.world.horizon.hides(self.checkpoint):
            self.sight.missing_since = None  # nothing can be missed while all of it is away
        facts = self.sight.facts(self.checkpoint, self.world.horizon, now)
        decision = plan(facts, self.checkpoint, self.world.policy)
        self.lull.decided(facts, self.checkpoint, decision)
        due = bool(decision.actions)
        why = self.progress.why if decision.actions == (do.Inspect(),) else ""
        why = why or decision.why  # a closer look now and then is no other reason to wait
        if self.progress.decided(why, now, due=due, achieved=self.achieved):
            self.telling.log.debug("decided", why=why)
        return decision

    async def turn(self) -> float | None:
        """One iteration; seconds until the next look, None when only an event calls for one.

        Raises Stopping on the way out of the daemon, and Fenced when the claim is lost.
        """
        if self.failures:
            self.telling.retrying()
        try:
            if not self.ledger.trusted:
                async with self.world.light.hold(self.urgency):
                    await self.ledger.refresh()
            decision = self.glance()
            if not decision.actions:
                self._recovered()
                return decision.look_again_seconds
            decision = await self._perform_in_turn(decision)
        except (Stopping, Fenced):
            self.ledger.distrust()
            raise
        except UploadGone as error:
            return await self._after_failure(error, lost=True)
        except CefMP4Error as error:
            return await self._after_failure(error)
        if not all(isinstance(action, NO_PROOF) for action in decision.actions):
            self._recovered()
        return 0.0

    def _recovered(self) -> None:
        if self.failures:
            self.telling.recovered(self.failures)
            self.failures, self.progress.trouble = 0, None

    async def _perform_in_turn(self, decision: Plan) -> Plan:
        """Carry it out, or what is due once there is a slot; what was carried out."""
        slots = slots_for(self.world, decision, wished=self.wished)
        if slots is None:
            await self._perform(decision)
            return decision
        async with slots.hold(self.urgency):
            decision = self.glance()  # the wait may have been long
            if slots_for(self.world, decision, wished=self.wished) is not slots:
                return Plan(decision.why)  # something else by now: it takes its own turn
            await self._perform(decision)
        return decision

    @property
    def urgency(self) -> Urgency:
        """How soon its work is to be done, compared with other streams."""
        return urgency_of(self.checkpoint)

    async def _perform(self, decision: Plan) -> None:
        """Carry out a plan; what can go on at the same time does."""
        self.telling.why = decision.why
        await finish_all(*(self._act(action) for action in decision.actions))

    async def _act(self, action: Action) -> None:
        up, fin = self._uploading, self._finishing
        match action:
            case do.Inspect():
                await self._following.inspect(self.path)
            case do.Begin():
                await self._begin()
            case do.Reject(reason, hint):
                await self._begin(reason, hint)
            case do.Follow(path):
                await self._follow(path)
            case do.AdoptUpload():
                await up.adopt()
            case do.CreateUpload():
                await up.create()
            case do.SendParts(spans):
                await up.send_parts(spans)
            case do.Compare(numbers):
                await up.compare(numbers)
            case do.SealNow(reason):
                await self._following.seal(reason, self.progress.why)
            case do.Unseal(why):
                await self._following.unseal(why)
            case do.PutWhole():
                await fin.put_whole()
            case do.Complete():
                await fin.complete()
            case do.Resolve():
                await fin.resolve()
            case do.Describe():
                await fin.describe()
            case do.Dispose():
                await fin.dispose()
            case do.Finish(status, reason):
                await fin.end(status, reason)
            case do.Park(status, reason, hint):
                await fin.end(status, reason, hint)
            case do.Revive():
                await fin.revive()
            case do.Abandon(status, reason, hint):
                await fin.abandon(status, reason, hint)
            case _:
                assert_never(action)

    async def _begin(self, refused: str = "", hint: str = "") -> None:
        """Write the intent."""
        version = self.sight.version
        if version is None:
            return
        checkpoint = await first_checkpoint(
            self.world, self.stream_id, self.path, version, refused=refused, hint=hint
        )
        await self.ledger.begin(checkpoint)
        self.sight.upload_may_exist = False
        self.telling.bind(self.path, checkpoint)
        if self.ended:
            self.telling.not_begun(checkpoint)
        else:
            self.telling.begun(checkpoint, version.size_bytes)

    async def _follow(self, path: str) -> None:
        if await self._following.follow(path):
            self.telling.bind(self.path, self.checkpoint)

    async def _after_failure(self, error: CefMP4Error, *, lost: bool = False) -> float | None:
        """Count it, say it, and decide when to look again; park what waiting cannot mend."""
        self.failures += 1
        self.progress.failed(error, self.world.clock.monotonic())
        self.ledger.distrust()
        self.sight.upload_may_exist = self.checkpoint is not None
        self.telling.why = self.progress.why
        self.telling.failed(error, self.failures)
        try:
            if lost:
                await self._finishing.upload_lost(str(error))
            elif not error.transient and not self.wished:
                await self._park(error)
                return None
        except Fenced:
            raise
        except CefMP4Error as again:
            return backoff_seconds(self.failures, again.retry_after_seconds)
        return backoff_seconds(self.failures, error.retry_after_seconds)

    async def _park(self, error: CefMP4Error) -> None:
        if self.checkpoint is None:
            return
        sealed = self.checkpoint.seal is not None
        status = Status.FAILED_FINALIZATION if sealed else Status.FAILED
        await self._finishing.end(status, str(error), error.hint)
