//! The numbers of the IANA registry "Domain Name System (DNS) Parameters" and their names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A record type (RFC 1035 §3.2.2 and later).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RecordType(pub u16);

/// A class (RFC 1035 §3.2.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Class(pub u16);

/// What kind of query (RFC 1035 §4.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Opcode(pub u8);

/// How it went, the upper bits from EDNS included (RFC 6891 §6.1.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Rcode(pub u16);

macro_rules! names {
    ($code:ident, $unknown:literal, $($number:literal $constant:ident $name:literal,)*) => {
        impl $code {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($number);)*

            /// The registered name.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }

        /// The registered name, or the number in the form of RFC 3597 §5.
        impl fmt::Display for $code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!($unknown, "{}"), self.0),
                }
            }
        }
    };
}

names! { RecordType, "TYPE",
    1 A "A", 2 NS "NS", 3 MD "MD", 4 MF "MF", 5 CNAME "CNAME", 6 SOA "SOA", 7 MB "MB", 8 MG "MG", 9 MR "MR",
    10 NULL "NULL", 11 WKS "WKS", 12 PTR "PTR", 13 HINFO "HINFO", 14 MINFO "MINFO", 15 MX "MX", 16 TXT "TXT",
    17 RP "RP", 18 AFSDB "AFSDB", 19 X25 "X25", 20 ISDN "ISDN", 21 RT "RT", 24 SIG "SIG", 25 KEY "KEY",
    26 PX "PX", 28 AAAA "AAAA", 29 LOC "LOC", 30 NXT "NXT", 33 SRV "SRV", 35 NAPTR "NAPTR", 36 KX "KX",
    37 CERT "CERT", 38 A6 "A6", 39 DNAME "DNAME", 41 OPT "OPT", 42 APL "APL", 43 DS "DS", 44 SSHFP "SSHFP",
    45 IPSECKEY "IPSECKEY", 46 RRSIG "RRSIG", 47 NSEC "NSEC", 48 DNSKEY "DNSKEY", 49 DHCID "DHCID",
    50 NSEC3 "NSEC3", 51 NSEC3PARAM "NSEC3PARAM", 52 TLSA "TLSA", 53 SMIMEA "SMIMEA", 55 HIP "HIP",
    59 CDS "CDS", 60 CDNSKEY "CDNSKEY", 61 OPENPGPKEY "OPENPGPKEY", 62 CSYNC "CSYNC", 63 ZONEMD "ZONEMD",
    64 SVCB "SVCB", 65 HTTPS "HTTPS", 99 SPF "SPF", 104 NID "NID", 105 L32 "L32", 106 L64 "L64", 107 LP "LP",
    108 EUI48 "EUI48", 109 EUI64 "EUI64", 249 TKEY "TKEY", 250 TSIG "TSIG", 251 IXFR "IXFR", 252 AXFR "AXFR",
    253 MAILB "MAILB", 254 MAILA "MAILA", 255 ANY "ANY", 256 URI "URI", 257 CAA "CAA", 32768 TA "TA", 32769 DLV "DLV",
}

names! { Class, "CLASS",
    1 IN "IN", 3 CH "CH", 4 HS "HS", 254 NONE "NONE", 255 ANY "ANY",
}

names! { Opcode, "OPCODE",
    0 QUERY "Query", 1 IQUERY "IQuery", 2 STATUS "Status", 4 NOTIFY "Notify", 5 UPDATE "Update", 6 DSO "DSO",
}

names! { Rcode, "RCODE",
    0 NO_ERROR "NoError", 1 FORM_ERR "FormErr", 2 SERV_FAIL "ServFail", 3 NX_DOMAIN "NXDomain",
    4 NOT_IMP "NotImp", 5 REFUSED "Refused", 6 YX_DOMAIN "YXDomain", 7 YX_RRSET "YXRRSet", 8 NX_RRSET "NXRRSet",
    9 NOT_AUTH "NotAuth", 10 NOT_ZONE "NotZone", 11 DSO_TYPE_NI "DSOTYPENI", 16 BAD_VERS "BADVERS",
    17 BAD_KEY "BADKEY", 18 BAD_TIME "BADTIME", 19 BAD_MODE "BADMODE", 20 BAD_NAME "BADNAME", 21 BAD_ALG "BADALG",
    22 BAD_TRUNC "BADTRUNC", 23 BAD_COOKIE "BADCOOKIE",
}
