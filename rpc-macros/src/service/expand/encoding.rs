//! The encoding of arguments, results and items: how arguments are sent and read one by one, and the functions that
//! encode and decode a type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type, spanned::Spanned as _};

use super::super::{
    model::{Argument, Method, Service},
    passing::{Conversion, Passing},
    types::{self, Form},
};
use super::carried;

/// The arguments of a method as they are read: their types, and the pattern that binds them to `names`. Each is in front
/// of the others, so that there may be any number of them.
pub(super) fn received(
    service: &Service,
    method: &Method,
    names: &[Ident],
) -> (TokenStream, TokenStream) {
    let krate = &service.krate;
    let arguments: Vec<_> = method.arguments().zip(names).collect();
    arguments.iter().rev().fold((quote!(()), quote!(())), |(types, names), (argument, name)| {
        let ty = &argument.ty;
        let (ty, name) = match form_module(argument) {
            None => (quote!(#ty), quote!(#name)),
            Some(module) => {
                let owned = quote!(#krate::#module::Owned);
                (owned.clone(), quote!(#owned(#name)))
            }
        };
        (quote!((#ty, #types)), quote!((#name, #names)))
    })
}

/// An argument as it is sent: a reference to what is encoded.
pub(super) fn sent(service: &Service, argument: &Argument) -> TokenStream {
    let krate = &service.krate;
    let ident = &argument.ident;
    let (lent, target) = match Passing::of(&argument.ty).conversion() {
        None => (quote!(&#ident), None),
        Some(Conversion { method, target, .. }) => (quote!(#method(&#ident)), Some(target)),
    };
    match (form_module(argument), target) {
        (Some(module), _) => quote!(&#krate::#module::Lent(#lent)),
        (None, None) => lent,
        // What is referred to need not have a size.
        (None, Some(_)) if carried::is_sure(&argument.ty) => quote!(&#lent),
        (None, Some(target)) => quote!(#krate::Carried::<#target>::lend(&#lent)),
    }
}

/// The module for an argument whose form is not serde's own.
fn form_module(argument: &Argument) -> Option<Ident> {
    match argument.form {
        Form::Plain => None,
        form => Some(format_ident!("{}", form.module())),
    }
}

/// Assertions that types are what they were assumed to be: a macro sees names only, and an alias or a type of the same
/// name must not compile.
pub(super) fn assumptions(service: &Service, method: &Method) -> TokenStream {
    let arguments = method.arguments().filter_map(assumption);
    let conditions: Vec<_> = method.conditions().collect();
    let answer = method.output.bare().filter(|ty| types::may_be_alias(ty));
    let answer = answer.map(|ty| no_result(service, ty));
    arguments.chain(answer).map(|assertion| quote!(#(#conditions)* #assertion)).collect()
}

/// The argument is of the type that it is passed as.
fn assumption(argument: &Argument) -> Option<TokenStream> {
    let ty = &argument.ty;
    let assumed = Passing::of(ty).assumes()?;
    Some(quote_spanned!(ty.span()=> const _: fn(&#ty) -> &#assumed = |value| value;))
}

/// An answer is not a `Result` under another name: callers would get a value which is an error.
fn no_result(service: &Service, ty: &Type) -> TokenStream {
    let krate = &service.krate;
    let message = format!(
        "`{}` is a `Result`, which the macro cannot see: write `Result<T, E>` out, so that callers get the \
        error as one",
        types::text(ty)
    );
    quote_spanned! {ty.span()=>
        const _: () = {
            use #krate::NoResult as _;
            assert!(!#krate::Answer::<#ty>::IS_RESULT, #message);
        };
    }
}

/// `encode` or `decode` of the module for a type's form.
pub(super) fn codec_function(service: &Service, ty: &Type, function: &str) -> TokenStream {
    let krate = &service.krate;
    let form = Form::of_whole(ty);
    let constant = |kind| format_ident!("{}{kind}", function.to_uppercase());
    let (module, function) = (format_ident!("{}", form.module()), format_ident!("{function}"));
    match form {
        Form::Plain if carried::is_sure(ty) => quote!(#krate::#module::#function::<#ty>),
        Form::Plain => {
            let constant = constant("");
            quote!(#krate::Carried::<#ty>::#constant)
        }
        Form::ByteVec | Form::SharedBytes | Form::Json => quote!(#krate::#module::#function),
        Form::SharedValue => {
            let content = types::described(ty);
            if carried::is_sure(&content) {
                return quote!(#krate::#module::#function::<#content>);
            }
            let constant = constant("_SHARED");
            quote!(#krate::Carried::<#content>::#constant)
        }
    }
}
