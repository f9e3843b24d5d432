//! What a server does that has too much to do, and what it tells of that: the connections of one runtime share the threads
//! of that, and so the calls that wait for them.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::runtime::{Handle, Id};

use super::{Server, connections::Connections};
use crate::{
    connection::Driver,
    overload::{Figures, Overload, Shedder},
    seam::Gauge,
};

impl Server {
    /// What the server does when it has more to do than it can. Default: [`Overload::new`], which refuses calls while more
    /// come than can be served.
    pub const fn overload(mut self, overload: Overload) -> Self {
        self.overload = overload;
        self
    }
}

/// What sheds the calls of one server.
#[derive(Default)]
pub(super) struct Sheds {
    options: Overload,
    gauge: Arc<Gauge>,
    figures: Arc<Figures>,
    /// Bounded by: the runtimes that connections of this server run on.
    shedders: Mutex<HashMap<Id, Shared>>,
}

/// What the connections of one runtime share.
type Shared = (Arc<Gauge>, Arc<Shedder>);

impl Sheds {
    pub(super) fn new(options: Overload, figures: Arc<Figures>) -> Self {
        Self { options, gauge: Arc::default(), figures, shedders: Mutex::default() }
    }

    /// Has the calls of a connection wait for their turn among those of its runtime, and its peer told how much there is to do.
    /// To be called on the runtime that it runs on.
    pub(super) fn attach(&self, driver: &mut Driver) {
        let Some(runtime) = Handle::try_current().ok().filter(|_| self.options.is_on()) else {
            return driver.measure(Arc::clone(&self.gauge));
        };
        let mut shedders = self.shedders.lock();
        let (gauge, shedder) = shedders.entry(runtime.id()).or_insert_with(|| {
            let gauge = Arc::new(self.gauge.beside());
            let shedder =
                Shedder::here(&self.options, Arc::clone(&gauge), Arc::clone(&self.figures));
            (gauge, shedder)
        });
        driver.measure(Arc::clone(gauge));
        driver.shed(Arc::clone(shedder));
    }
}

impl Connections {
    /// The same with what it does when there is too much to do.
    pub(super) fn with_overload(mut self, options: Overload, figures: Arc<Figures>) -> Self {
        self.sheds = Sheds::new(options, figures);
        self
    }
}
