//! The encoding of arguments, results and items: the structs of a method's arguments, and the functions that
//! encode and decode a type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type, spanned::Spanned as _};

use super::super::{
    model::{Argument, Method, Service},
    passing::{Conversion, Passing},
    types::{self, Form},
};

/// The name of the struct from which the server reads the arguments of a method.
pub(super) fn received_ident(method: &Method) -> Ident {
    format_ident!("__{}_received", method.name)
}

/// The name of the struct from which the client writes the arguments of a method.
pub(super) fn sent_ident(method: &Method) -> Ident {
    format_ident!("__{}_sent", method.name)
}

/// The arguments of a method, in their order: a tuple to bincode, an object or an array to JSON.
pub(super) fn received_struct(service: &Service, method: &Method) -> TokenStream {
    let krate = &service.krate;
    let ident = received_ident(method);
    let serde = path_text(&quote!(#krate::serde));
    let expecting = expectation(service, method);
    let fields = method.arguments().map(|argument| {
        let (ident, ty) = (&argument.ident, &argument.ty);
        let with = with_form(service, argument);
        quote!(#with #ident: #ty)
    });
    let conditions = method.conditions();
    quote! {
        #(#conditions)*
        #[derive(#krate::serde::Deserialize)]
        #[serde(crate = #serde, expecting = #expecting)]
        struct #ident { #(#fields,)* }
    }
}

/// The arguments on the client's side, with references to those that are not passed by value.
pub(super) fn sent_struct(service: &Service, method: &Method) -> TokenStream {
    let krate = &service.krate;
    let ident = sent_ident(method);
    let serde = path_text(&quote!(#krate::serde));
    let mut lifetime = None;
    let fields: Vec<TokenStream> = method
        .arguments()
        .map(|argument| {
            let (ident, ty) = (&argument.ident, &argument.ty);
            let with = with_form(service, argument);
            match Passing::of(ty).conversion() {
                None => quote!(#with #ident: #ty),
                Some(Conversion { target, .. }) => {
                    lifetime = Some(quote!(<'__lent>));
                    quote!(#with #ident: &'__lent #target)
                }
            }
        })
        .collect();
    let conditions = method.conditions();
    quote! {
        #(#conditions)*
        #[derive(#krate::serde::Serialize)]
        #[serde(crate = #serde)]
        struct #ident #lifetime { #(#fields,)* }
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

/// The attribute of a field whose form is not serde's own.
fn with_form(service: &Service, argument: &Argument) -> Option<TokenStream> {
    let krate = &service.krate;
    let module = match argument.form {
        Form::Plain => return None,
        form => format_ident!("{}", form.module()),
    };
    let module = path_text(&quote!(#krate::#module));
    Some(quote!(#[serde(with = #module)]))
}

/// The words for the expected arguments, in the message about others that came.
fn expectation(service: &Service, method: &Method) -> String {
    let names: Vec<&str> = method.arguments().map(|argument| argument.name.as_str()).collect();
    let path = format!("{}.{}", service.name, method.name);
    match names.as_slice() {
        [] => format!("no arguments for {path}"),
        names => format!("the arguments of {path}: {}", names.join(", ")),
    }
}

/// `encode` or `decode` of the module for a type's form.
pub(super) fn codec_function(service: &Service, ty: &Type, function: &str) -> TokenStream {
    let krate = &service.krate;
    let form = Form::of_whole(ty);
    let (module, function) = (format_ident!("{}", form.module()), format_ident!("{function}"));
    match form {
        Form::Plain => quote!(#krate::#module::#function::<#ty>),
        Form::ByteVec | Form::SharedBytes | Form::Json => quote!(#krate::#module::#function),
        Form::SharedValue => {
            let content = types::described(ty);
            quote!(#krate::#module::#function::<#content>)
        }
    }
}

fn path_text(path: &TokenStream) -> String {
    path.to_string().replace(' ', "")
}
