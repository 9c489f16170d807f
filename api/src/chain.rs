//! Whether the segments of a chain follow each other without a hole.
//!
//! Each segment names the digest of the one before it, so that a segment that was taken away, put in, or
//! replaced shows, although each single one is still signed. Segments at a chain's beginning may have expired:
//! what comes before the first one that is left can't be checked.

use segment::{Digest, Manifest, SegmentId};

/// What of a manifest makes the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Which segment.
    pub id: SegmentId,
    /// Its own digest.
    pub root: Digest,
    /// The digest of the one before.
    pub previous: Option<Digest>,
    /// Who signed.
    pub public_key: [u8; 32],
}

impl Link {
    /// The link that a manifest describes.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            id: manifest.id.clone(),
            root: manifest.blake3_root,
            previous: manifest.previous,
            public_key: manifest.public_key,
        }
    }
}

/// What is wrong between the links, each with the segment behind the fault.
pub fn problems(mut links: Vec<Link>) -> Vec<(SegmentId, String)> {
    links.sort_by(|a, b| (a.id.chain.as_str(), a.id.sequence).cmp(&(b.id.chain.as_str(), b.id.sequence)));
    let mut problems = Vec::new();
    for pair in links.windows(2) {
        let [before, link] = pair else { continue };
        if before.id.chain != link.id.chain {
            continue;
        }
        let mut tell = |problem: String| problems.push((link.id.clone(), problem));
        let missing = link.id.sequence.saturating_sub(before.id.sequence).saturating_sub(1);
        if missing > 0 {
            let first = SegmentId { chain: link.id.chain.clone(), sequence: before.id.sequence + 1 };
            let more = if missing > 1 { format!(" and {} after it", missing - 1) } else { String::new() };
            tell(format!("hole in the chain: {first}{more} missing"));
        } else if link.previous != Some(before.root) {
            tell(format!("names another digest for the segment before it than {} has", before.id));
        }
        if link.public_key != before.public_key {
            tell(format!("signed with another key than {}", before.id));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(id: &str, root: u8, previous: Option<u8>) -> Link {
        let digest = |byte: u8| format!("{byte:02x}").repeat(32).parse::<Digest>().unwrap();
        Link {
            id: id.parse().unwrap(),
            root: digest(root),
            previous: previous.map(digest),
            public_key: [0; 32],
        }
    }

    #[track_caller]
    fn check(links: &[Link], expected: &[&str]) {
        let found: Vec<String> =
            problems(links.to_vec()).into_iter().map(|(id, problem)| format!("{id}: {problem}")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_whole_chain_has_no_problem_in_any_order() {
        let links = [
            link("b-0000000001", 4, Some(3)),
            link("a-0000000001", 2, Some(1)),
            link("a-0000000000", 1, None),
            link("b-0000000000", 3, None),
        ];
        check(&links, &[]);
        // The first ones have expired.
        check(&[link("a-0000000007", 7, Some(6)), link("a-0000000008", 8, Some(7))], &[]);
    }

    #[test]
    fn holes_replacements_and_other_keys_show() {
        let first = link("a-0000000000", 1, None);
        check(
            &[first.clone(), link("a-0000000003", 4, Some(3))],
            &["a-0000000003: hole in the chain: a-0000000001 and 1 after it missing"],
        );
        check(
            &[first.clone(), link("a-0000000001", 2, Some(9))],
            &["a-0000000001: names another digest for the segment before it than a-0000000000 has"],
        );
        let other_key = Link { public_key: [1; 32], ..link("a-0000000001", 2, Some(1)) };
        check(&[first, other_key], &["a-0000000001: signed with another key than a-0000000000"]);
    }
}
