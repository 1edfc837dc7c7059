use std::{collections::HashMap, sync::Arc};

use networkpype_core::LimitId;

use crate::route::Route;

/// The routes by the name of the limit that they begin with, in the order in which the limits were given.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    list: Vec<Entry>,
    /// Where each is in the list. Empty for the few that a look through the list finds faster.
    index: HashMap<LimitId, usize, foldhash::fast::RandomState>,
}

#[derive(Debug)]
struct Entry {
    limit: LimitId,
    route: Arc<Route>,
}

/// Up to so many, the list is looked through.
const FEW: usize = 8;

impl Routes {
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    #[inline]
    pub(crate) fn get(&self, limit: &str) -> Option<&Arc<Route>> {
        if self.index.is_empty() {
            return self
                .list
                .iter()
                .find(|entry| entry.limit.as_str() == limit)
                .map(|entry| &entry.route);
        }
        self.look_up(limit)
    }

    /// Whether requests on all of them are charged as on `others`.
    pub(crate) fn charge_the_same(&self, others: &Self) -> bool {
        self.list.len() == others.list.len()
            && self.iter().zip(others.iter()).all(|(route, other)| route.charges_as(other))
    }

    /// For how long something on them may count that settled at its start, in nanoseconds.
    pub(crate) fn longest(&self) -> u64 {
        self.iter().map(|route| route.longest()).max().unwrap_or(0)
    }

    fn look_up(&self, limit: &str) -> Option<&Arc<Route>> {
        self.list.get(*self.index.get(limit)?).map(|entry| &entry.route)
    }

    pub(crate) fn at(&self, position: u32) -> Option<&Arc<Route>> {
        self.list.get(usize::try_from(position).ok()?).map(|entry| &entry.route)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.list.iter().map(|entry| &entry.route)
    }
}

impl Entry {
    fn new(route: Route) -> Self {
        Self { limit: route.limit.clone(), route: Arc::new(route) }
    }
}

impl FromIterator<Route> for Routes {
    fn from_iter<R: IntoIterator<Item = Route>>(routes: R) -> Self {
        let list: Vec<_> = routes.into_iter().map(Entry::new).collect();
        let mut index = HashMap::default();
        if list.len() > FEW {
            index
                .extend(list.iter().enumerate().map(|(place, entry)| (entry.limit.clone(), place)));
        }
        Self { list, index }
    }
}
