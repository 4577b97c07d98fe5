//! Time that has been counted, so that no minute of a line is counted twice.

use std::collections::BTreeMap;

/// Disjoint stretches of whole minutes, half-open: a session until 10:30 and one from 10:30 do not overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Cover {
    /// End by start. No two stretches touch.
    stretches: BTreeMap<i64, i64>,
}

impl Cover {
    /// Covers `start..end` and returns how many of its minutes nobody had covered before.
    pub(super) fn claim(&mut self, start: i64, end: i64) -> u32 {
        if end <= start {
            return 0;
        }
        let (mut first, mut last, mut covered) = (start, end, 0);
        // Stretches are disjoint, so walking back from the end meets all that touch it and then one that doesn't.
        while let Some((&from, &to)) = self.stretches.range(..=end).next_back()
            && to >= start
        {
            covered += to.min(end) - from.max(start);
            (first, last) = (first.min(from), last.max(to));
            self.stretches.remove(&from);
        }
        self.stretches.insert(first, last);
        u32::try_from(end - start - covered).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_is_new_is_counted() {
        let mut cover = Cover::default();
        assert_eq!(cover.claim(0, 30), 30);
        assert_eq!(cover.claim(20, 50), 20);
        assert_eq!(cover.claim(10, 40), 0);
        assert_eq!(cover.claim(60, 70), 10);
        assert_eq!(cover.claim(-5, 80), 25, "five before, ten between, ten after");
        assert_eq!(cover.claim(5, 5), 0);
    }

    proptest! {
        #[test]
        fn claims_add_up_to_the_union(claims in prop::collection::vec((0_i64..200, 0_i64..40), 0..30)) {
            let mut cover = Cover::default();
            let mut minutes = BTreeSet::new();
            for (start, length) in claims {
                let before = minutes.len();
                minutes.extend(start..start + length);
                prop_assert_eq!(cover.claim(start, start + length) as usize, minutes.len() - before);
            }
        }
    }
}
