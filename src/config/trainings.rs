//! The trainings of an experiment, by number: each is put together when it is asked for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::arm::{Arm, Training};
use super::data::DataConfig;
use super::document::Document;
use super::effective::Config;
use super::factors::Factors;
use super::sections::{Choices, Sections};
use super::training::TrainingConfig;
use crate::seed::Seed;
use crate::stopping::StoppingRule;

/// The trainings of an experiment with the arms that read them: seed by seed, so that a part of them is
/// paired, and within a seed by the cells of the matrix in its order, the last factor fastest.
///
/// A training is put together when it is asked for, in microseconds, so that a million of them take a
/// few bytes each: go through them one by one, or ask for one by its number.
#[derive(Debug, Clone)]
pub struct Trainings {
    shared: Arc<Shared>,
    /// What was chosen for the tuned keys, a config for each training of a seed.
    chosen: Option<Arc<Vec<Config>>>,
}

#[derive(Debug)]
struct Shared {
    document: Arc<Document>,
    sections: Sections,
    /// The cells of the matrix, training by training.
    cells: Vec<u32>,
    /// Where those of each training of a seed begin, and the end of the last.
    starts: Vec<u32>,
}

impl Trainings {
    /// Of cells by training; every cell was accepted.
    pub(super) fn new(document: Arc<Document>, sections: Sections, training_of: &[u32]) -> Self {
        let trainings = training_of.iter().max().map_or(0, |last| *last as usize + 1);
        let mut starts = vec![0_u32; trainings + 1];
        for training in training_of {
            starts[*training as usize + 1] += 1;
        }
        for training in 0..trainings {
            starts[training + 1] += starts[training];
        }
        let mut next = starts.clone();
        let mut cells = vec![0; training_of.len()];
        for (cell, training) in (0..).zip(training_of) {
            let place = &mut next[*training as usize];
            cells[*place as usize] = cell;
            *place += 1;
        }
        let shared = Shared { document, sections, cells, starts };
        Self { shared: Arc::new(shared), chosen: None }
    }

    /// The same with these configs for the trainings of a seed.
    pub(super) fn with_configs(&self, configs: Vec<Config>) -> Self {
        Self { shared: Arc::clone(&self.shared), chosen: Some(Arc::new(configs)) }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.of_one_seed() * self.given_seeds().map_or(1, <[u64]>::len)
    }

    /// Whether there is none; an experiment has one at least.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many arms read them.
    #[must_use]
    pub fn arms(&self) -> usize {
        self.shared.cells.len() * self.given_seeds().map_or(1, <[u64]>::len)
    }

    /// How many each seed has: those of the first seed come first.
    #[must_use]
    pub fn of_one_seed(&self) -> usize {
        self.shared.starts.len() - 1
    }

    /// A training by its number.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Training> {
        let place = index % self.of_one_seed();
        let seed = self.seed(index / self.of_one_seed())?;
        let cells = self.cells_of(place);
        let mut config = self.config(place)?;
        config.seed = seed;
        let arms = cells.iter().map(|cell| self.arm(*cell)).collect::<Option<_>>()?;
        Some(Training { config, arms })
    }

    /// The rules that arms read trainings by.
    pub fn rules(&self) -> impl Iterator<Item = StoppingRule> + '_ {
        let Shared { document, sections, .. } = &*self.shared;
        let all = (0..sections.rule.len()).filter_map(|choice| sections.rule.get(document, choice));
        all.map(std::borrow::Cow::into_owned)
    }

    /// For each arm of a training of the first seed, in order, which level it has of each factor, and which of
    /// [`Trainings::rules`].
    pub fn arms_of(&self, number: usize) -> impl Iterator<Item = (Vec<usize>, usize)> + '_ {
        let Shared { document, sections, .. } = &*self.shared;
        self.cells_of(number).iter().map(move |cell| {
            let mut levels = document.levels(*cell as usize);
            let rule = sections.choices(&levels).rule;
            levels.truncate(document.axes.factors.len());
            (levels, rule)
        })
    }

    /// The first of the first seed.
    #[must_use]
    pub fn first(&self) -> Option<Training> {
        self.get(0)
    }

    /// All of them, one by one.
    pub fn iter(&self) -> impl Iterator<Item = Training> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// What `[data]` says in any of them.
    pub fn data(&self) -> impl Iterator<Item = DataConfig> + '_ {
        let Shared { document, sections, .. } = &*self.shared;
        let all = (0..sections.data.len()).filter_map(|choice| sections.data.get(document, choice));
        all.map(std::borrow::Cow::into_owned)
    }

    /// Trainings of the first seed, each with one of its arms, such that any other differs from one of them
    /// in nothing but its optimizer and what `aspect` leaves out of the rest of `[training]`.
    pub fn unlike(
        &self,
        aspect: impl Fn(&TrainingConfig) -> String,
    ) -> impl Iterator<Item = Training> {
        let mut aspects: HashMap<String, usize> = HashMap::new();
        let mut by_choice: HashMap<usize, usize> = HashMap::new();
        let mut seen: HashSet<[u32; 5]> = HashSet::new();
        let places = (0..self.of_one_seed())
            .flat_map(|place| self.cells_of(place).iter().map(move |cell| (place, *cell)));
        places.filter_map(move |(place, cell)| {
            let Choices { data, model, training, evaluation, rule, .. } = self.choices(cell);
            let aspect = match (self.chosen.is_some(), by_choice.get(&training)) {
                // What was tuned is of this training alone.
                (true, _) => place,
                (false, Some(aspect)) => *aspect,
                (false, None) => {
                    let Shared { document, sections, .. } = &*self.shared;
                    let text = aspect(&*sections.training.get(document, training)?);
                    let next = aspects.len();
                    let aspect = *aspects.entry(text).or_insert(next);
                    by_choice.insert(training, aspect);
                    aspect
                }
            };
            let key = [data, model, aspect, evaluation, rule];
            // As many as there are cells at most.
            #[allow(clippy::cast_possible_truncation)]
            if !seen.insert(key.map(|choice| choice as u32)) {
                return None;
            }
            let mut config = self.config(place)?;
            config.seed = self.seed(0)?;
            Some(Training { config, arms: vec![self.arm(cell)?] })
        })
    }

    /// The numbers of at most so many trainings of the first seed, in order: all of them, or else those in
    /// which no more than one key has another than its first level, and others spread evenly.
    #[must_use]
    pub fn sample(&self, most: usize) -> Vec<usize> {
        let all = self.of_one_seed();
        if all <= most {
            return (0..all).collect();
        }
        let is_near = |place: &usize| {
            let levels = self.shared.document.levels(self.cells_of(*place)[0] as usize);
            levels.iter().filter(|level| **level > 0).count() <= 1
        };
        let mut sample: Vec<usize> = (0..all).filter(is_near).take(most).collect();
        let left = most - sample.len();
        sample.extend((0..left).map(|index| index * (all / left.max(1))));
        sample.sort_unstable();
        sample.dedup();
        sample
    }

    /// The seed of each repetition.
    #[must_use]
    pub fn seeds(&self) -> Vec<Seed> {
        match self.given_seeds() {
            Some(seeds) => seeds.iter().copied().map(Seed).collect(),
            None => vec![Seed(self.shared.document.seed())],
        }
    }

    /// The seeds, where the matrix gives them.
    fn given_seeds(&self) -> Option<&[u64]> {
        self.shared.document.axes.seeds.as_ref().map(|(_, seeds)| seeds.as_slice())
    }

    fn seed(&self, index: usize) -> Option<Seed> {
        match self.given_seeds() {
            Some(seeds) => seeds.get(index).copied().map(Seed),
            None => (index == 0).then(|| Seed(self.shared.document.seed())),
        }
    }

    fn cells_of(&self, place: usize) -> &[u32] {
        let Shared { cells, starts, .. } = &*self.shared;
        &cells[starts[place] as usize..starts[place + 1] as usize]
    }

    fn choices(&self, cell: u32) -> Choices {
        self.shared.sections.choices(&self.shared.document.levels(cell as usize))
    }

    /// Of a training of the first seed.
    fn config(&self, place: usize) -> Option<Config> {
        if let Some(chosen) = &self.chosen {
            return chosen.get(place).cloned();
        }
        let Shared { document, sections, .. } = &*self.shared;
        let chosen = self.choices(self.cells_of(place)[0]);
        let Choices { data, model, evaluation, .. } = chosen;
        Some(Config {
            data: sections.data.get(document, data)?.into_owned(),
            model: sections.model.get(document, model)?.into_owned().written_alike(),
            training: sections.training(document, chosen)?,
            evaluation: sections.evaluation.get(document, evaluation)?.into_owned(),
            seed: self.seed(0)?,
        })
    }

    fn arm(&self, cell: u32) -> Option<Arm> {
        let Shared { document, sections, .. } = &*self.shared;
        let levels = document.levels(cell as usize);
        let rule: StoppingRule =
            sections.rule.get(document, sections.choices(&levels).rule)?.into_owned();
        let factors: Factors = document.factors(&levels);
        Some(Arm { factors, rule })
    }
}
