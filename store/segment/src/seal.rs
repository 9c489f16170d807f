//! The seal: one signed statement that stands for every byte of a segment.
//!
//! The Merkle root covers every frame and the footer; the header frame, which it covers too, names
//! the segment before, so the root is also a link of the chain. The statement is text, one
//! `name value` a line, because courts and people can read it; the signature is over exactly its bytes.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::codec::Header;
use crate::error::Error;
use crate::id::{Digest, SegmentId, from_hex, to_hex};
use crate::time::Timestamp;

/// First bytes of the seal's payload.
pub(crate) const SEAL_TAG: [u8; 8] = *b"REMORASL";
/// Version of the seal we write.
const SEAL_VERSION: u32 = 1;
const FIRST_LINE: &str = "remora segment seal 1";
/// Longest statement that is read; ours have under 1 KiB, plus the node's name.
pub(crate) const STATEMENT_BYTES_MAX: usize = 64 << 10;

/// What a sealed segment's recorder signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seal {
    /// Which segment.
    pub id: SegmentId,
    /// Merkle root over frames and footer: the segment's own digest.
    pub root: Digest,
    /// Root of the segment before, if there is one.
    pub previous: Option<Digest>,
    /// The machine that recorded it.
    pub node: String,
    /// Which boot of that machine.
    pub boot_id: String,
    /// When it was sealed, by that machine's clock.
    pub sealed_at: Timestamp,
    /// Ed25519 public key of the recorder.
    pub public_key: [u8; 32],
    /// Ed25519 signature of the statement.
    pub signature: [u8; 64],
}

impl Seal {
    /// Signs what `header` and `root` say.
    pub(crate) fn sign(
        header: &Header,
        root: Digest,
        sealed_at: Timestamp,
        key: &SigningKey,
    ) -> Result<Self, Error> {
        let mut seal = Self {
            id: header.id.clone(),
            root,
            previous: header.previous,
            node: header.node.clone(),
            boot_id: header.boot_id.clone(),
            sealed_at,
            public_key: key.verifying_key().to_bytes(),
            signature: [0; 64],
        };
        seal.signature = key.sign(seal.statement()?.as_bytes()).to_bytes();
        Ok(seal)
    }

    /// The text that is signed.
    ///
    /// # Errors
    /// Never for a seal that was read; names that JSON can't hold can't occur.
    pub fn statement(&self) -> Result<String, Error> {
        let quoted = |text: &str| serde_json::to_string(text).map_err(|_| Error::Malformed { what: "seal" });
        Ok(format!(
            "{FIRST_LINE}\nid {}\nroot {}\nprevious {}\nnode {}\nboot_id {}\nsealed_at {}\npublic_key {}\n",
            self.id,
            self.root,
            self.previous.map_or_else(|| "none".to_owned(), |digest| digest.to_string()),
            quoted(&self.node)?,
            quoted(&self.boot_id)?,
            self.sealed_at.nanos(),
            to_hex(&self.public_key),
        ))
    }

    /// Whether the signature is of the statement and by the key in it. Whether that key is to be
    /// trusted is for the caller to know.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.public_key) else { return false };
        let Ok(statement) = self.statement() else { return false };
        key.verify_strict(statement.as_bytes(), &Signature::from_bytes(&self.signature)).is_ok()
    }

    /// The seal's payload: tag, version, length and text of the statement, signature.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        let statement = self.statement()?;
        let length = u32::try_from(statement.len()).map_err(|_| Error::Malformed { what: "seal" })?;
        let mut payload = SEAL_TAG.to_vec();
        payload.extend_from_slice(&SEAL_VERSION.to_le_bytes());
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(statement.as_bytes());
        payload.extend_from_slice(&self.signature);
        Ok(payload)
    }

    /// Reads a payload; only the one canonical spelling of a statement is accepted.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let rest = payload.strip_prefix(&SEAL_TAG)?.strip_prefix(&SEAL_VERSION.to_le_bytes())?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (text, signature) = rest.split_at_checked(length)?;
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let seal = Self {
            id: value("id")?.parse().ok()?,
            root: value("root")?.parse().ok()?,
            previous: match value("previous")? {
                "none" => None,
                digest => Some(digest.parse().ok()?),
            },
            node: serde_json::from_str(value("node")?).ok()?,
            boot_id: serde_json::from_str(value("boot_id")?).ok()?,
            sealed_at: Timestamp::from_nanos(value("sealed_at")?.parse().ok()?),
            public_key: from_hex(value("public_key")?)?,
            signature: signature.try_into().ok()?,
        };
        (seal.statement().ok()? == text).then_some(seal)
    }
}

/// The Merkle root over `leaves`, in the manner of RFC 6962, section 2.1: leaves and nodes are
/// hashed under different prefixes, so that neither can pass for the other.
pub(crate) fn merkle_root(leaves: &[Digest]) -> Digest {
    let hash = |prefix: u8, parts: &[&[u8]]| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[prefix]);
        for part in parts {
            hasher.update(part);
        }
        Digest(*hasher.finalize().as_bytes())
    };
    let mut level: Vec<Digest> = leaves.iter().map(|leaf| hash(0, &[&leaf.0])).collect();
    while level.len() > 1 {
        // An odd one out moves up unchanged, which gives RFC 6962's tree.
        level = level
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(hash(1, &[&left.0, &right.0])),
                rest => rest.first().copied(),
            })
            .collect();
    }
    level.first().copied().unwrap_or_else(|| hash(0, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_and_their_order_change_the_root() {
        let leaves: Vec<Digest> = (0u8..7).map(|n| Digest([n; 32])).collect();
        let root = merkle_root(&leaves);
        for index in 0..leaves.len() {
            let mut other = leaves.clone();
            other[index].0[0] ^= 1;
            assert_ne!(merkle_root(&other), root);
            other = leaves.clone();
            other.swap(index, (index + 1) % 7);
            assert_ne!(merkle_root(&other), root);
        }
        assert_ne!(merkle_root(&leaves[..6]), root);
    }
}
