"""Session: which requests are executed, which are answered from memory, and which are refused."""

from types import SimpleNamespace

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .protocol import DONE, HEADER, Command, Refusal

JOB = data.StructLayout({"code": 8, "length": 16})


class Session(wiring.Component):
    """Passes each request of the session on once, in the order of the sequence numbers.

    A request is new if its number follows that of the last one done, and a repetition if it is the same. `connect`
    with another session's number starts a session: nothing is kept then, and number 1 comes next.

    Parameters
    ----------
    sizes : Sizes

    Members
    -------
    request : ``In(stream)``
        Header of an intact frame; accepted when its answer has been sent.
    job : ``Out(stream)``
        A request to execute; accepted when it is done.
    code : ``In(8)``
        Code of its answer, with ``job.ready``: a `Refusal` if it was not executed.
    length : ``In(range(buffer))``
        Bytes of the answer's payload, with ``job.ready``.
    answer : ``Out(stream)``
        Header and address of the answer, for `FrameTransmitter`.
    sent : ``In(1)``
        The transmitter is idle.
    repeated : ``Out(1)``
        For a cycle: a repetition is being answered.
    """

    def __init__(self, *, sizes):
        self.sizes = sizes
        super().__init__({
            "request": In(stream.Signature(HEADER)),
            "job": Out(stream.Signature(JOB)),
            "code": In(8),
            "length": In(range(sizes.buffer)),
            "answer": Out(stream.Signature(data.StructLayout({"header": HEADER, "address": range(sizes.buffer)}))),
            "sent": In(1),
            "repeated": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        request = self.request.payload
        session = Signal(16)
        last = Signal(8)
        is_open = Signal()
        is_kept = Signal()
        known = is_open & (session == request.session)
        m.d.comb += [self.job.payload.code.eq(request.code), self.job.payload.length.eq(request.length)]
        kind = self._add_answer(m)
        with m.FSM():
            with m.State("JUDGE"):
                m.d.sync += [kind.is_refused.eq(0), kind.is_identity.eq(0)]
                with m.If(~self.request.valid):
                    pass
                with m.Elif(request.code == Command.CONNECT):
                    with m.If(request.length != 0):
                        self._refuse(m, kind, Refusal.LENGTH)
                    with m.Elif(known & is_kept):
                        self._refuse(m, kind, Refusal.TAKEN)
                    with m.Else():
                        m.d.sync += [session.eq(request.session), is_open.eq(1), last.eq(0), is_kept.eq(0),
                                     kind.is_identity.eq(1)]
                        m.next = "ANSWER"
                with m.Elif(~known):
                    self._refuse(m, kind, Refusal.SESSION)
                with m.Elif(is_kept & (request.sequence == last)):
                    m.d.comb += self.repeated.eq(1)
                    m.next = "ANSWER"
                with m.Elif(request.sequence != (last + 1)[:8]):
                    self._refuse(m, kind, Refusal.SEQUENCE)
                with m.Else():
                    m.next = "DO"
            with m.State("DO"):
                m.d.comb += self.job.valid.eq(1)
                with m.If(self.job.ready):
                    with m.If(self.code >= min(Refusal)):
                        self._refuse(m, kind, self.code)
                    with m.Else():
                        m.d.sync += [is_kept.eq(1), last.eq(request.sequence), kind.kept_code.eq(self.code),
                                     kind.kept_length.eq(self.length)]
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.answer.valid.eq(1)
                with m.If(self.answer.ready):
                    m.next = "SENT"
            with m.State("SENT"), m.If(self.sent):
                m.d.comb += self.request.ready.eq(1)
                m.next = "JUDGE"
        return m

    @staticmethod
    def _refuse(m, kind, reason):
        m.d.sync += [kind.is_refused.eq(1), kind.refusal.eq(reason)]
        m.next = "ANSWER"

    def _add_answer(self, m):
        """The answer: the kept one, a refusal, or the identity; gives the registers that say which, and what is kept.
        """
        kept_code = Signal(8)
        kept_length = Signal(range(self.sizes.buffer))
        refusal = Signal(8)
        is_refused = Signal()
        is_identity = Signal()
        request, answer = self.request.payload, self.answer.payload
        m.d.comb += [
            answer.header.session.eq(request.session),
            answer.header.sequence.eq(request.sequence),
            answer.header.code.eq(kept_code),
            answer.header.length.eq(kept_length),
        ]
        with m.If(is_refused):
            m.d.comb += [answer.header.code.eq(refusal), answer.header.length.eq(0)]
        with m.Elif(is_identity):
            m.d.comb += [answer.header.code.eq(Command.CONNECT | DONE),
                         answer.header.length.eq(self.sizes.identity),
                         answer.address.eq(self.sizes.buffer - self.sizes.identity)]
        return SimpleNamespace(kept_code=kept_code, kept_length=kept_length, refusal=refusal, is_refused=is_refused,
                               is_identity=is_identity)
