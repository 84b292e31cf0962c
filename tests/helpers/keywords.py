"""Reserved words of the languages into which a core's names go."""

import keyword

VERILOG = """
always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam design
disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable endtask event
for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout input instance
integer join large liblist library localparam macromodule medium module nand negedge nmos nor noshowcancelled not notif0
notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent
rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled signed small specify
specparam strong0 strong1 supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg
unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor xor
"""
SYSTEMVERILOG = VERILOG + """
accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle checker
class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker endclass
endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect export extends
extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies import inside int
interconnect interface intersect join_any join_none let local logic longint matches modport nettype new nexttime null
package packed priority program property protected pure rand randc randcase randsequence ref reject_on restrict return
s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal soft solve static string strong struct
super sync_accept_on sync_reject_on tagged this throughout timeprecision timeunit type typedef union unique unique0
until until_with untyped var virtual void wait_order weak wildcard with within
"""
C = """
alignas alignof auto bool break case char const constexpr continue default do double else enum extern false float for
goto if inline int long nullptr register restrict return short signed sizeof static static_assert struct switch
thread_local true typedef typeof typeof_unqual union unsigned void volatile while
"""
CPP = C + """
and and_eq asm atomic_cancel atomic_commit atomic_noexcept bitand bitor catch char16_t char32_t char8_t class co_await
co_return co_yield compl concept const_cast consteval constinit decltype delete dynamic_cast explicit export final
friend import module mutable namespace new noexcept not not_eq operator or or_eq override private protected public
reflexpr reinterpret_cast requires static_cast synchronized template this throw try typeid typename using virtual
wchar_t xor xor_eq
"""
RUST = """
abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in
let loop macro macro_rules match mod move mut override priv pub raw ref return safe self static struct super trait true
try type typeof union unsafe unsized use virtual where while yield
"""
SYSTEMRDL = """
abstract accesstype addressingtype addrmap alias all alternate bit boolean bothedge byte compact component
componentwidth constraint default encode enum external false field fullalign hw inside int internal level longint mem
na negedge nonsticky number onreadtype onwritetype posedge precedencetype property r rclr real ref reg regalign regfile
rset ruser rw rw1 shortint shortreal signal signed string struct sw this true type unsigned w w1 wclr with within woclr
woset wot wr wset wuser wzc wzs wzt
"""
KEYWORDS = {
    **{name: frozenset(words.split()) for name, words in (
        ("Verilog", VERILOG), ("SystemVerilog", SYSTEMVERILOG), ("C", C), ("C++", CPP), ("Rust", RUST),
        ("SystemRDL", SYSTEMRDL))},
    "Python": frozenset((*keyword.kwlist, *keyword.softkwlist)),
}


def keywords_among(names):
    """Pairs of a language and a name that is one of its keywords."""
    return sorted((language, name) for language, words in KEYWORDS.items() for name in words & set(names))
