//! How many rows of each class go to each split: shares rounded so that rows and columns add up.
//!
//! Class k with `c` of `n` rows should give split s `c * total / n` rows. The whole parts are
//! taken; each split then still lacks some rows and each class still has some. The largest
//! remainders get them (Hamilton's method), one at most per class and split. Where that choice
//! leaves a class stuck, an earlier choice is moved, as in a bipartite matching: a table of
//! remainders can always be rounded in this way (Bacharach 1966).

const SPLITS: usize = 3;
const TRAIN: usize = 0;

/// Rows of each class for train, validation and test. `totals` add up to the sum of `sizes`.
pub(super) fn shares(sizes: &[usize], totals: [usize; SPLITS]) -> Vec<[usize; SPLITS]> {
    let rows: u128 = sizes.iter().map(|size| *size as u128).sum();
    let mut table = Table {
        shares: vec![[0; SPLITS]; sizes.len()],
        remainders: vec![[0; SPLITS]; sizes.len()],
        raised: vec![[false; SPLITS]; sizes.len()],
        lacking: totals,
    };
    let mut spare = sizes.to_vec();
    for (class, size) in sizes.iter().enumerate() {
        for (split, total) in totals.iter().enumerate() {
            let product = *size as u128 * *total as u128;
            let whole = usize::try_from(product / rows.max(1)).unwrap_or(0);
            table.remainders[class][split] = product % rows.max(1);
            table.shares[class][split] = whole;
            table.lacking[split] -= whole;
            spare[class] -= whole;
        }
    }
    // A class without a training row comes first, then large remainders, then the order given.
    let mut wishes: Vec<(usize, usize)> = (0..sizes.len())
        .flat_map(|class| (0..SPLITS).map(move |split| (class, split)))
        .filter(|(class, split)| table.remainders[*class][*split] > 0)
        .collect();
    wishes.sort_by_key(|(class, split)| {
        let untrained = *split == TRAIN && table.shares[*class][TRAIN] == 0;
        (!untrained, std::cmp::Reverse(table.remainders[*class][*split]), *class, *split)
    });
    for (class, split) in wishes {
        if spare[class] > 0 && table.lacking[split] > 0 {
            table.raise(class, split);
            spare[class] -= 1;
        }
    }
    for (class, spare) in spare.iter_mut().enumerate() {
        while *spare > 0 && table.raise_by_moving(class) {
            *spare -= 1;
        }
    }
    table.give_each_class_a_training_row();
    table.shares
}

struct Table {
    shares: Vec<[usize; SPLITS]>,
    remainders: Vec<[u128; SPLITS]>,
    raised: Vec<[bool; SPLITS]>,
    lacking: [usize; SPLITS],
}

impl Table {
    fn raise(&mut self, class: usize, split: usize) {
        self.raised[class][split] = true;
        self.shares[class][split] += 1;
        self.lacking[split] -= 1;
    }

    fn may_raise(&self, class: usize, split: usize) -> bool {
        self.remainders[class][split] > 0 && !self.raised[class][split]
    }

    /// Gives `class` one more row, along a shortest chain of classes that change from one split
    /// to another until a split is reached that still lacks a row.
    fn raise_by_moving(&mut self, class: usize) -> bool {
        // How each split was reached: from which one, by moving which class.
        let mut reached: [Option<(usize, Option<usize>)>; SPLITS] = [None; SPLITS];
        let mut queue = Vec::with_capacity(SPLITS);
        for (split, way) in reached.iter_mut().enumerate() {
            if self.may_raise(class, split) {
                *way = Some((class, None));
                queue.push(split);
            }
        }
        let mut next = 0;
        while let Some(split) = queue.get(next).copied() {
            next += 1;
            if self.lacking[split] > 0 {
                self.lacking[split] -= 1;
                let mut to = split;
                while let Some((mover, from)) = reached[to] {
                    self.raised[mover][to] = true;
                    self.shares[mover][to] += 1;
                    let Some(from) = from else { return true };
                    self.raised[mover][from] = false;
                    self.shares[mover][from] -= 1;
                    to = from;
                }
            }
            for (to, way) in reached.iter_mut().enumerate() {
                if way.is_none()
                    && let Some(mover) = (0..self.raised.len())
                        .find(|other| self.raised[*other][split] && self.may_raise(*other, to))
                {
                    *way = Some((mover, Some(split)));
                    queue.push(to);
                }
            }
        }
        false
    }

    /// Exchanges rows between classes where a class would have nothing to learn from, as long as
    /// another class can spare a training row.
    fn give_each_class_a_training_row(&mut self) {
        for class in 0..self.shares.len() {
            let Some(split) = (1..SPLITS).max_by_key(|split| self.shares[class][*split]) else {
                continue;
            };
            if self.shares[class][TRAIN] > 0 || self.shares[class][split] == 0 {
                continue;
            }
            let richest = (0..self.shares.len()).max_by_key(|other| self.shares[*other][TRAIN]);
            let Some(giver) = richest.filter(|giver| self.shares[*giver][TRAIN] > 1) else {
                return;
            };
            self.shares[class][split] -= 1;
            self.shares[class][TRAIN] += 1;
            self.shares[giver][TRAIN] -= 1;
            self.shares[giver][split] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn largest_remainders_get_the_rows_left_over() {
        assert_eq!(shares(&[6, 4], [5, 5, 0]), [[3, 3, 0], [2, 2, 0]]);
        assert_eq!(shares(&[5, 5], [6, 2, 2]), [[3, 1, 1], [3, 1, 1]]);
    }

    proptest! {
        #[test]
        fn rows_and_columns_add_up_and_every_share_is_rounded_up_or_down(
            sizes in prop::collection::vec(1_usize..60, 1..12),
            cuts in (0_usize..100, 0_usize..100),
        ) {
            let rows: usize = sizes.iter().sum();
            let test = rows * cuts.0 / 100;
            let validation = (rows - test) * cuts.1 / 100;
            let totals = [rows - test - validation, validation, test];
            let shares = shares(&sizes, totals);
            for (split, total) in totals.iter().enumerate() {
                prop_assert_eq!(shares.iter().map(|s| s[split]).sum::<usize>(), *total);
            }
            let ample = sizes.iter().all(|size| size * totals[TRAIN] >= rows);
            for (share, size) in shares.iter().zip(&sizes) {
                prop_assert_eq!(share.iter().sum::<usize>(), *size);
                prop_assert!(share[TRAIN] > 0 || totals[TRAIN] < sizes.len());
                for (got, total) in share.iter().zip(totals) {
                    let ideal = size * total;
                    let rounded = [ideal / rows, ideal.div_ceil(rows)];
                    prop_assert!(!ample || rounded.contains(got), "{shares:?}");
                }
            }
        }
    }
}
