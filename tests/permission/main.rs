//! Who may call what, over real sockets: authenticators of every temper, tokens of connections and of calls, and methods
//! that require permissions.

#[cfg(test)]
mod authenticators;
#[cfg(test)]
mod back;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod early;
#[cfg(test)]
mod methods;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod reflection;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod tokens;
