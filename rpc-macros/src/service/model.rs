//! The model of an annotated trait: the service, its methods, their arguments and results. Reading it
//! notes every mistake on the way; the rules themselves are in `validate` and `types`.

use proc_macro2::{Span, TokenStream};
use syn::{
    Attribute, FnArg, Ident, ItemTrait, Pat, Result, TraitItem, TraitItemFn, Type, TypeParamBound,
    Visibility, ext::IdentExt as _, punctuated::Punctuated, token::Plus,
};

use super::{
    options::{MethodOptions, ServiceOptions},
    output::Output,
    types::{self, Form},
    validate,
};
use crate::{crate_path::CratePath, diagnostics::Diagnostics, docs};

/// A service.
pub(super) struct Service {
    pub(super) krate: CratePath,
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    /// The name on the wire.
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) deprecated: Option<String>,
    /// Attributes of the trait, to be written out on it.
    pub(super) attributes: Vec<Attribute>,
    pub(super) supertraits: Punctuated<TypeParamBound, Plus>,
    /// True if all methods share one order.
    pub(super) ordered: bool,
    /// True if calls of all methods with a reply may be made again.
    pub(super) idempotent: bool,
    /// The permissions that callers of any method need.
    pub(super) requires: Vec<String>,
    pub(super) methods: Vec<Method>,
}

/// A method of a service.
pub(super) struct Method {
    pub(super) ident: Ident,
    /// The name on the wire.
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) deprecated: Option<String>,
    /// Attributes to be written out on the method in the trait.
    pub(super) attributes: Vec<Attribute>,
    pub(super) is_async: bool,
    /// All parameters in the order of the trait, the context among them.
    pub(super) parameters: Vec<Parameter>,
    pub(super) output: Output,
    pub(super) oneway: bool,
    pub(super) ordered: bool,
    /// True if a second run does nothing that the first did not.
    pub(super) idempotent: bool,
    /// True if its server keeps answers, so that a second call gets the first one's.
    pub(super) once: bool,
    /// The permissions that callers need beside those of the service.
    pub(super) requires: Vec<String>,
}

/// A parameter of a method.
pub(super) enum Parameter {
    Context { ident: Ident, ty: Type },
    Argument(Argument),
    Upload(Box<Upload>),
}

/// A parameter that travels.
pub(super) struct Argument {
    pub(super) ident: Ident,
    /// The name on the wire.
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) form: Form,
}

/// A parameter that is streamed to the server.
pub(super) struct Upload {
    pub(super) ident: Ident,
    /// The name on the wire.
    pub(super) name: String,
    /// `Streaming<…>` as it is written.
    pub(super) ty: Type,
    pub(super) item: Type,
}

impl Service {
    /// True if some method may be left out of the build.
    pub(super) fn is_conditional(&self) -> bool {
        self.methods.iter().any(|method| method.conditions().next().is_some())
    }

    /// Reads and checks a trait; every mistake in it is reported.
    pub(super) fn read(options: TokenStream, item: &ItemTrait) -> Result<Self> {
        let mut diagnostics = Diagnostics::default();
        let mut options = ServiceOptions::read(options, &mut diagnostics);
        let (ours, attributes): (Vec<_>, Vec<_>) =
            item.attrs.iter().cloned().partition(|attribute| attribute.path().is_ident("rpc"));
        for attribute in &ours {
            options.read_rpc(attribute, &mut diagnostics);
        }
        validate::check_trait(item, &mut diagnostics);
        let mut methods: Vec<Method> = Vec::new();
        for member in &item.items {
            let TraitItem::Fn(method) = member else {
                validate::refuse_member(member, &mut diagnostics);
                continue;
            };
            let method = Method::read(method, &mut diagnostics);
            if methods.iter().any(|known| known.name == method.name && known.is_built_with(&method))
            {
                let message =
                    format!("a second method is called `{}`: give it another name", method.name);
                diagnostics.add(&method.ident, message);
            }
            methods.push(method);
        }
        if let Some(error) = diagnostics.into_error() {
            return Err(error);
        }
        Ok(Self {
            krate: options.krate,
            vis: item.vis.clone(),
            name: options.name.unwrap_or_else(|| item.ident.unraw().to_string()),
            ident: item.ident.clone(),
            doc: docs::text(&item.attrs),
            deprecated: docs::deprecated(&item.attrs),
            attributes,
            supertraits: item.supertraits.clone(),
            ordered: options.ordered,
            idempotent: options.idempotent,
            requires: options.requires,
            methods,
        })
    }
}

impl Method {
    fn read(method: &TraitItemFn, diagnostics: &mut Diagnostics) -> Self {
        let signature = &method.sig;
        validate::check_method(method, diagnostics);
        let (options, attributes) = read_attributes(method, diagnostics);
        let output = Output::read(&signature.output, diagnostics);
        let parameters = read_parameters(method, diagnostics);
        if options.oneway {
            let uploads = parameters.iter().filter_map(Parameter::upload).map(|upload| &upload.ty);
            validate::check_oneway(signature, &output, uploads, diagnostics);
        }
        validate::check_repetition(&options, &signature.ident, diagnostics);
        if options.once {
            let uploads = parameters.iter().filter_map(Parameter::upload).map(|upload| &upload.ty);
            validate::check_once(signature, &output, uploads, diagnostics);
        }
        Self {
            ident: signature.ident.clone(),
            name: signature.ident.unraw().to_string(),
            doc: docs::text(&method.attrs),
            deprecated: docs::deprecated(&method.attrs),
            attributes,
            is_async: signature.asyncness.is_some(),
            parameters,
            output,
            oneway: options.oneway,
            ordered: options.ordered,
            idempotent: options.idempotent,
            once: options.once,
            requires: options.requires,
        }
    }

    /// The word for the way in which its calls may be made again.
    pub(super) fn repetition(&self, service: &Service) -> Option<Ident> {
        let word = match () {
            () if self.once => "once",
            () if self.idempotent || (service.idempotent && !self.oneway) => "idempotent",
            () => return None,
        };
        Some(Ident::new(word, Span::call_site()))
    }

    /// The parameters that travel with the request.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Argument(argument) => Some(argument),
            _ => None,
        })
    }

    /// The parameter that is streamed to the server.
    pub(super) fn upload(&self) -> Option<&Upload> {
        self.parameters.iter().find_map(Parameter::upload)
    }

    /// The name of its `MethodKind`.
    pub(super) fn kind(&self) -> &'static str {
        match (&self.output, self.upload()) {
            _ if self.oneway => "Oneway",
            (Output::Stream(_), Some(_)) => "Duplex",
            (Output::Stream(_), None) => "ServerStream",
            (_, Some(_)) => "ClientStream",
            (_, None) => "Unary",
        }
    }

    /// The conditions under which it is built: its `#[cfg(..)]`s.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// True if nothing says that one of the two may be left out of the build.
    fn is_built_with(&self, other: &Self) -> bool {
        self.conditions().next().is_none() || other.conditions().next().is_none()
    }

    pub(super) fn wants_context(&self) -> bool {
        self.parameters.iter().any(|parameter| matches!(parameter, Parameter::Context { .. }))
    }
}

/// The options of a method, and its other attributes.
fn read_attributes(
    method: &TraitItemFn,
    diagnostics: &mut Diagnostics,
) -> (MethodOptions, Vec<Attribute>) {
    let mut options = MethodOptions::default();
    let mut kept = Vec::new();
    for attribute in &method.attrs {
        if attribute.path().is_ident("rpc") {
            options.read(attribute, diagnostics);
        } else {
            validate::check_attribute(attribute, diagnostics);
            kept.push(attribute.clone());
        }
    }
    (options, kept)
}

fn read_parameters(method: &TraitItemFn, diagnostics: &mut Diagnostics) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for input in &method.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        validate::check_parameter(input, diagnostics);
        let Pat::Ident(pattern) = &*input.pat else { continue };
        let (ident, ty) = (pattern.ident.clone(), (*input.ty).clone());
        if parameters.iter().any(|known| known.ident().unraw() == ident.unraw()) {
            let message = format!("a second argument is called `{ident}`: give it another name");
            diagnostics.add(&ident, message);
        }
        if types::is_context(&ty, diagnostics) {
            if parameters.iter().any(|known| matches!(known, Parameter::Context { .. })) {
                diagnostics.add(&ty, "a call has one context: remove the second one");
            }
            parameters.push(Parameter::Context { ident, ty });
        } else if let Some(item) = types::streamed_argument(&ty, diagnostics) {
            if parameters.iter().any(|known| matches!(known, Parameter::Upload(_))) {
                let message = "a method has one streamed argument: send the items of both in one \
                    stream, as an enum, or write two methods";
                diagnostics.add(&ty, message);
            }
            let name = ident.unraw().to_string();
            parameters.push(Parameter::Upload(Box::new(Upload { ident, name, ty, item })));
        } else {
            types::check(&ty, "argument", diagnostics);
            let (name, form) = (ident.unraw().to_string(), Form::of_argument(&ty));
            parameters.push(Parameter::Argument(Argument { ident, name, ty, form }));
        }
    }
    parameters
}

impl Parameter {
    fn upload(&self) -> Option<&Upload> {
        match self {
            Self::Upload(upload) => Some(upload),
            _ => None,
        }
    }

    pub(super) const fn ident(&self) -> &Ident {
        match self {
            Self::Context { ident, .. } => ident,
            Self::Argument(argument) => &argument.ident,
            Self::Upload(upload) => &upload.ident,
        }
    }
}
