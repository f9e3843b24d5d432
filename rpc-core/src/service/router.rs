//! Method key ⇒ handler: all services of one server, found by the name half of the key, checked by the
//! signature half.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::BuildHasherDefault,
    sync::{Arc, OnceLock},
};

use thiserror::Error;

#[cfg(feature = "tower")]
use super::layered::WithinLayer;
use super::{
    Connection, Dispatch, Memory, OnceLimits, Request,
    permission::{Admitted, Called, Requires},
    request::refuse,
};
use crate::{
    proto::{Code, Codec, IdHasher, MemoryId, MethodKey, Opening, Status, Streams},
    schema::{MethodSchema, Outline, Repetition, ServiceSchema},
    seam::{HandlerSlot, IncomingCall, Origin, Schedule, Serve, SlowGuard, ledger::Ledger},
};

/// The services of one server.
#[derive(Default)]
pub(crate) struct Router {
    services: Vec<Arc<dyn Dispatch>>,
    /// By the hash of the name: what is hashed already is not hashed well again.
    methods: HashMap<u32, Route, BuildHasherDefault<IdHasher>>,
    /// Methods whose replies are short whatever they say.
    brief: BTreeSet<MethodKey>,
    /// Not everybody is to learn what there is.
    reticent: bool,
    /// Told of every connection whose peer has said hello.
    hook: Option<Hook>,
    once: OnceLimits,
    /// What remembers the calls of methods that run once, where there are any.
    memory: Option<Arc<Memory>>,
    /// Where calls are counted and listed, if they are.
    ledger: Option<Arc<Ledger>>,
    /// What those have who may ask for the times of their calls, if anybody may.
    explains: Option<Requires>,
}

/// What a program does with a connection that has come.
pub(crate) type Hook = Arc<dyn Fn(&Connection) + Send + Sync>;

struct Route {
    service: usize,
    method: usize,
    schema: &'static MethodSchema,
    guard: Arc<SlowGuard>,
    order: Option<u32>,
    /// What callers that were built against another signature are told of it, once there is one.
    outline: OnceLock<Option<Vec<u8>>>,
    requires: Requires,
    /// A layer around the method.
    #[cfg(feature = "tower")]
    within: Option<WithinLayer>,
    /// Whether there is more to a call of it than its service: permissions, or a layer.
    is_special: bool,
}

/// Services that cannot be on one server together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two services have the same name.
    #[error("two services are called {0}: rename one with #[service(name = \"…\")]")]
    DuplicateService(String),
    /// Two methods have names with the same hash: one chance in millions for a server of hundreds.
    #[error("the names {0} and {1} have the same hash: rename one of the methods")]
    Collision(String, String),
    /// A layer is for a service or method that the server does not have.
    #[error("a layer is for {0}, and there is no such service or method; there are {services}", services = .1.join(", "))]
    NothingToLayer(String, Vec<String>),
}

impl Router {
    /// A router of these services.
    ///
    /// # Errors
    /// As for [`Self::add`].
    pub(crate) fn of(services: &[Arc<dyn Dispatch>]) -> Result<Self, BuildError> {
        Self::listing(services, OnceLimits::new(), None)
    }

    /// The same, with bounds of what is remembered of calls that run once, and a list of its calls if there is one to keep.
    ///
    /// # Errors
    /// As for [`Self::add`].
    pub(crate) fn listing(
        services: &[Arc<dyn Dispatch>],
        once: OnceLimits,
        ledger: Option<Arc<Ledger>>,
    ) -> Result<Self, BuildError> {
        let mut router = Self { once, ledger, ..Self::default() };
        services.iter().try_for_each(|service| router.add(Arc::clone(service)))?;
        Ok(router)
    }

    /// Adds a service.
    ///
    /// # Errors
    /// A service of that name is there already, or the hashes of two method names collide.
    pub(crate) fn add(&mut self, service: Arc<dyn Dispatch>) -> Result<(), BuildError> {
        self.add_requiring(service, &[])
    }

    /// Adds the service that describes all others, whose callers need these permissions. If there are any, refusals do
    /// not tell either what there is.
    ///
    /// # Errors
    /// As for [`Self::add`].
    pub(crate) fn add_reflection(
        &mut self,
        service: Arc<dyn Dispatch>,
        permissions: &[String],
    ) -> Result<(), BuildError> {
        self.reticent = !permissions.is_empty();
        self.add_requiring(service, permissions)
    }

    /// Adds a service of the framework's own, whose callers need these permissions.
    ///
    /// # Errors
    /// As for [`Self::add`].
    pub(crate) fn add_requiring(
        &mut self,
        service: Arc<dyn Dispatch>,
        permissions: &[String],
    ) -> Result<(), BuildError> {
        let schema = service.schema();
        let runs_once = |method: &MethodSchema| method.repetition == Repetition::Once;
        if self.memory.is_none() && schema.methods.iter().any(runs_once) {
            self.memory = Some(Memory::new(self.once));
        }
        if self.schemas().any(|existing| existing.name == schema.name) {
            return Err(BuildError::DuplicateService(schema.name.clone()));
        }
        // Orders are told apart by the place of a method; all methods of an ordered service share one.
        let (first, shared) = (self.methods.len() as u32, schema.ordered);
        for (method, schema) in schema.methods.iter().enumerate() {
            let order =
                schema.ordered.then_some(if shared { first } else { first + method as u32 });
            let index = self.services.len();
            let figures = self.ledger.as_ref().map(|ledger| ledger.count(&schema.path));
            let guard = SlowGuard::of(schema.key.name_hash()).counting(figures);
            let guard = Arc::new(guard);
            let outline = OnceLock::new();
            let requires = Requires::new(&schema.requires, permissions);
            #[cfg(feature = "tower")]
            let within = WithinLayer::of(&*service, method);
            #[cfg(not(feature = "tower"))]
            let within: Option<()> = None;
            let route = Route {
                service: index,
                method,
                schema,
                guard,
                order,
                outline,
                is_special: !requires.is_empty() || within.is_some(),
                requires,
                #[cfg(feature = "tower")]
                within,
            };
            if service.schema().replies_briefly(schema) {
                self.brief.insert(schema.key);
            }
            if let Some(other) = self.methods.insert(schema.key.name_hash(), route) {
                let (one, two) = (other.schema.path.clone(), schema.path.clone());
                return Err(BuildError::Collision(one, two));
            }
        }
        self.services.push(service);
        Ok(())
    }

    /// Tells callers with these permissions the times of their calls, if they ask.
    pub(crate) fn explain(&mut self, permissions: &[String]) {
        self.explains = Some(Requires::new(&[], permissions));
    }

    /// Has `hook` told of connections.
    pub(crate) fn set_hook(&mut self, hook: Option<Hook>) {
        self.hook = hook;
    }

    /// What remembers the calls of methods that run once, where there are any.
    pub(crate) const fn once(&self) -> Option<&Arc<Memory>> {
        self.memory.as_ref()
    }

    /// What the services are, in the order in which they were added.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &'static ServiceSchema> {
        self.services.iter().map(|service| service.schema())
    }

    /// The methods that require permissions, as `Service.method`.
    pub(crate) fn restricted(&self) -> impl Iterator<Item = &'static str> {
        let restricted = self.methods.values().filter(|route| !route.requires.is_empty());
        restricted.map(|route| route.schema.path.as_str())
    }

    /// Whether a method is here whose name has this hash.
    pub(crate) fn has(&self, name: u32) -> bool {
        self.methods.contains_key(&name)
    }

    fn route(&self, key: MethodKey, codec: Codec) -> Result<&Route, Status> {
        let Some(route) = self.methods.get(&key.name_hash()) else {
            return Err(self.unknown(key));
        };
        let known = route.schema.key.signature_hash();
        match key.signature_hash() {
            signature if signature == known => Ok(route),
            _ if key.is_bare() && codec == Codec::Json => Ok(route),
            _ if key.is_bare() => {
                let message = "a method called by its bare name takes JSON";
                Err(Status::not_started(Code::InvalidArgument, message))
            }
            _ => Err(self.mismatch(route)),
        }
    }

    /// The answer to a caller of a method that is not there; it adds the services that are, unless not everybody is to
    /// know them.
    fn unknown(&self, key: MethodKey) -> Status {
        let mut message = format!("this server has no method with the key {key}");
        if !self.reticent {
            let names: Vec<&str> = self.schemas().map(|schema| schema.name.as_str()).collect();
            message = format!("{message}; its services are {}", names.join(", "));
        }
        Status::not_started(Code::Unimplemented, message)
    }

    /// The answer to a caller that was built against another signature; it adds its own, unless not everybody is to
    /// know it.
    fn mismatch(&self, route: &Route) -> Status {
        if self.reticent || !route.requires.is_empty() {
            let message = format!("the signature of {} differs", route.schema.path);
            return Status::not_started(Code::Unimplemented, message);
        }
        let service = self.services[route.service].schema();
        let message = format!(
            "the signature of {} differs: this server has `{}`",
            route.schema.path,
            service.signature(route.schema)
        );
        let status = Status::not_started(Code::Unimplemented, message);
        let outline = route.outline.get_or_init(|| Outline::encode(service, route.schema));
        match outline {
            Some(outline) => status.with_detail(Outline::NAME, outline),
            None => status,
        }
    }
}

impl Route {
    /// Whether the caller knows which ways the method streams. One that does not would take an item for
    /// a mistake, or wait for a stream that never comes.
    fn check_streams(&self, streams: Streams) -> Result<&Self, Status> {
        let expected = self.schema.kind.streams_reply();
        let uploads = self.schema.upload.is_some();
        if expected == streams.down() && (uploads || !streams.up()) {
            return Ok(self);
        }
        let path = &self.schema.path;
        let message = match expected {
            true if !streams.down() => format!("{path} answers with a stream, not with one value"),
            false if streams.down() => format!("{path} answers with one value, not with a stream"),
            _ => format!("{path} takes no stream"),
        };
        Err(Status::not_started(Code::InvalidArgument, message))
    }
}

impl Serve for Router {
    fn serve(&self, call: IncomingCall, slot: &mut HandlerSlot) -> Option<Schedule<'_>> {
        let opening = &call.request.opening;
        let route = self.route(opening.key, opening.codec);
        match route.and_then(|route| route.check_streams(opening.streams)) {
            Ok(route) => {
                let service = &self.services[route.service];
                // One branch for all, which nearly no call takes.
                let named = opening.token.is_some()
                    | opening.idempotency.is_some()
                    | (self.explains.is_some() & opening.metadata.is_some());
                if route.is_special | named {
                    let Route { method, schema, ref requires, .. } = *route;
                    #[cfg(feature = "tower")]
                    if let (Some(within), true, false) = (&route.within, requires.is_empty(), named)
                    {
                        within.serve(call, schema, slot);
                        return Some(Schedule { guard: &route.guard, order: route.order });
                    }
                    let memory =
                        self.memory.as_ref().filter(|_| schema.repetition == Repetition::Once);
                    let explains = self.explains.as_ref();
                    let called = Called { service, method, schema, requires, memory, explains };
                    if called.admit(call, slot) == Admitted::No {
                        return None;
                    }
                } else {
                    service.dispatch(route.method, Request::new(call, route.schema), slot);
                }
                Some(Schedule { guard: &route.guard, order: route.order })
            }
            Err(status) => {
                refuse(slot, status);
                None
            }
        }
    }

    fn schedule(&self, opening: &Opening) -> Option<Schedule<'_>> {
        let route = self.methods.get(&opening.key.name_hash())?;
        // What is going to be refused need not wait for that.
        let known = opening.key.is_bare() || opening.key == route.schema.key;
        known.then_some(Schedule { guard: &route.guard, order: route.order })
    }

    fn memory(&self) -> Option<MemoryId> {
        self.memory.as_ref().map(|memory| memory.id())
    }

    fn brief(&self) -> Arc<[MethodKey]> {
        self.brief.iter().copied().collect()
    }

    fn connected(&self, origin: &Arc<dyn Origin>) {
        if let Some(hook) = &self.hook {
            hook(&Connection::new(Arc::clone(origin)));
        }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.schemas().map(|schema| &schema.name)).finish()
    }
}
