// The formats that JSON Schema names, each as a pattern for the whole text. The sources are the
// RFCs that the specification names; where a rule counts or looks at the whole text, look-ahead
// says it.
#include "grammar/schema_compiler.h"

#include <string.h>

#define HEX   "[0-9A-Fa-f]"
#define OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define IPV4  "(?:" OCTET "(?:\\." OCTET "){3})"

// RFC 4291, 2.2: eight groups, or seven at most around one "::"; the last two may be an IPv4
// address. TO_n are one to n groups; behind n of them stands BEHIND_n. What comes next is then told
// by the next byte, which keeps the states small.
#define H16      HEX "{1,4}"
#define TO_1     H16
#define TO_2     "(?:" H16 "(?::" TO_1 ")?|" IPV4 ")"
#define TO_3     "(?:" H16 "(?::" TO_2 ")?|" IPV4 ")"
#define TO_4     "(?:" H16 "(?::" TO_3 ")?|" IPV4 ")"
#define TO_5     "(?:" H16 "(?::" TO_4 ")?|" IPV4 ")"
#define TO_6     "(?:" H16 "(?::" TO_5 ")?|" IPV4 ")"
#define TO_7     "(?:" H16 "(?::" TO_6 ")?|" IPV4 ")"
#define BEHIND_7 ":(?::|" H16 ")"
#define BEHIND_6 ":(?::(?:" TO_1 ")?|" H16 BEHIND_7 "|" IPV4 ")"
#define BEHIND_5 ":(?::" TO_2 "?|" H16 BEHIND_6 ")"
#define BEHIND_4 ":(?::" TO_3 "?|" H16 BEHIND_5 ")"
#define BEHIND_3 ":(?::" TO_4 "?|" H16 BEHIND_4 ")"
#define BEHIND_2 ":(?::" TO_5 "?|" H16 BEHIND_3 ")"
#define BEHIND_1 ":(?::" TO_6 "?|" H16 BEHIND_2 ")"
#define IPV6     "(?:::" TO_7 "?|" H16 BEHIND_1 ")"

// RFC 3339, 5.6, with the days that months have; a year is leap by the Gregorian rule.
#define LEAP "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
#define DATE                                                                                       \
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-" \
    "9]"                                                                                           \
    "|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|" LEAP "-02-29)"
#define ZONE "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
// A leap second is the last of a UTC day; local forms of that minute are left to the offset 00:00.
#define TIME                                                           \
    "(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?" ZONE \
    "|23:59:60(?:\\.[0-9]+)?(?:[Zz]|[+-]00:00))"

// RFC 3986, appendix A; the international forms of RFC 3987 allow characters beyond ASCII as well.
#define PCT   "%" HEX HEX
#define PCHAR "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|" PCT ")"
#define IPCHAR \
    "(?:[A-Za-z0-9._~!$&'()*+,;=:@\\u00A0-\\uD7FF\\uF900-\\uFFEF\\u{10000}-\\u{EFFFD}-]|" PCT ")"
#define AUTHORITY                                                           \
    "(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|" PCT ")*@)?(?:\\[(?:" IPV6 "|v" HEX \
    "+\\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|" PCT ")*)(?::[0-9]*)?"
#define IAUTHORITY                                                                                 \
    "(?:(?:[A-Za-z0-9._~!$&'()*+,;=:\\u00A0-\\uD7FF\\u{10000}-\\u{EFFFD}-]|" PCT                   \
    ")*@)?(?:\\[(?:" IPV6 "|v" HEX "+\\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]|(?:[A-Za-z0-9._~!$&'()*+" \
    ",;=\\u00A0-\\uD7FF\\u{10000}-\\u{EFFFD}-]|" PCT ")*)(?::[0-9]*)?"
#define TAIL(p)        "(?:\\?(?:" p "|[/?])*)?(?:#(?:" p "|[/?])*)?"
#define SCHEME         "[A-Za-z][A-Za-z0-9+.-]*:"
#define HIER(a, p)     "(?://" a "(?:/" p "*)*|/(?:" p "+(?:/" p "*)*)?|" p "+(?:/" p "*)*)?"
#define NOSCHEME(p)    "(?:(?!" p "*:)" p "+(?:/" p "*)*)"
#define RELATIVE(a, p) "(?://" a "(?:/" p "*)*|/(?:" p "+(?:/" p "*)*)?|" NOSCHEME(p) ")?"

// RFC 1123: labels of up to 63, the name up to 253.
#define LABEL    "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define HOSTNAME "(?=[^]{1,253}$)" LABEL "(?:\\." LABEL ")*"

// RFC 5321, 4.1.2: a dot-string or a quoted one, and a domain or an address literal.
#define ATEXT  "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
#define QUOTED "\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\""
#define EMAIL                                                                               \
    "(?:" ATEXT "+(?:\\." ATEXT "+)*|" QUOTED ")@(?:" LABEL "(?:\\." LABEL ")*|\\[(?:" IPV4 \
    "|IPv6:" IPV6 ")\\])"

// ISO 8601 as RFC 3339, appendix A has it.
#define DURATION                                                                                   \
    "P(?:[0-9]+W|(?:[0-9]+D|[0-9]+M(?:[0-9]+D)?|[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?)(?:T(?:[0-9]+H(?:" \
    "[0-9]+M(?:[0-9]+S)?)?"                                                                        \
    "|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?|T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-"  \
    "9]+S))"

// RFC 6901 and its relative form.
#define POINTER "(?:/(?:[^~/]|~[01])*)*"

// RFC 6570.
#define VARCHAR "(?:[A-Za-z0-9_]|" PCT ")"
#define VARSPEC VARCHAR "(?:\\.?" VARCHAR ")*(?::[1-9][0-9]{0,3}|\\*)?"
#define TEMPLATE                                                        \
    "(?:[!#$&(-;=?-\\[\\]_a-z~\\u00A0-\\uD7FF\\uE000-\\u{10FFFD}]|" PCT \
    "|\\{[+#./;?&=,!@|]?" VARSPEC "(?:," VARSPEC ")*\\})*"

static const struct {
    const char *name, *pattern;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "[Tt]" TIME},
    {"duration", DURATION},
    {"email", EMAIL},
    {"hostname", HOSTNAME},
    {"ipv4", IPV4},
    {"ipv6", IPV6},
    {"uuid", HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}"},
    {"uri", SCHEME HIER(AUTHORITY, PCHAR) TAIL(PCHAR)},
    {"uri-reference",
     "(?:" SCHEME HIER(AUTHORITY, PCHAR) "|" RELATIVE(AUTHORITY, PCHAR) ")" TAIL(PCHAR)},
    {"iri", SCHEME HIER(IAUTHORITY, IPCHAR) TAIL(IPCHAR)},
    {"iri-reference",
     "(?:" SCHEME HIER(IAUTHORITY, IPCHAR) "|" RELATIVE(IAUTHORITY, IPCHAR) ")" TAIL(IPCHAR)},
    {"uri-template", TEMPLATE},
    {"json-pointer", POINTER},
    {"relative-json-pointer", "(?:0|[1-9][0-9]*)(?:[+-][1-9][0-9]*)?(?:#|" POINTER ")"},
};

bool qni_format_pattern(const char *name, const char **pattern)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *pattern = formats[i].pattern;
            return true;
        }
    }
    return false;
}
