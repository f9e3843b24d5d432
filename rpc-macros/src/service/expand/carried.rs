//! What is asked of the types in a signature, in one place: a type that cannot travel gives one error, however many methods
//! name it and whatever it lacks. All other code takes what the type has, or a stand-in.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote_spanned};
use syn::{Type, spanned::Spanned as _};

use super::super::{
    model::{Method, Service},
    output::{Failure, Output},
    passing, types,
};

/// The checks of all types, each once. Without a description a type is not asked for more.
pub(super) fn checks(service: &Service) -> TokenStream {
    let krate = &service.krate;
    let mut known: Vec<String> = Vec::new();
    let checks = service.methods.iter().flat_map(|method| {
        let conditions: Vec<_> = method.conditions().collect();
        let checked = types_of(method).into_iter().filter(|ty| {
            if is_sure(ty) || types::is_json(ty) {
                return false;
            }
            // Those of a method that may be left out say nothing about other methods, and two macros' `$crate` are two.
            let text = ty.to_token_stream().to_string();
            if !conditions.is_empty() || text.contains("$crate") {
                return true;
            }
            let new = !known.contains(&text);
            known.extend(new.then_some(text));
            new
        });
        let checks = checked.map(|ty| {
            // Mistakes are shown where what is passed stands: at the type.
            quote_spanned! {ty.span()=>
                #(#conditions)*
                const _: () = {
                    let __described = #krate::Carried::<#ty>::DESCRIBED;
                    #krate::encoded(__described);
                    let __encoded = #krate::Carried::<#ty>::ENCODED;
                    #krate::decoded(__encoded);
                };
            }
        });
        checks.collect::<Vec<_>>()
    });
    checks.collect()
}

/// The types that travel with calls of a method.
fn types_of(method: &Method) -> Vec<Type> {
    let arguments = method.arguments().map(|argument| &argument.ty);
    let upload = method.upload().map(|upload| &upload.item);
    let value = match &method.output {
        Output::Nothing => None,
        Output::Value(value) | Output::Fallible { value, .. } => Some(&**value),
        Output::Stream(items) => Some(&*items.item),
    };
    let error = method.output.failure().and_then(Failure::own);
    arguments.chain(upload).chain(value).chain(error).map(types::described).collect()
}

/// True for types that can travel, going by their names.
pub(super) fn is_sure(ty: &Type) -> bool {
    match types::ungrouped(ty) {
        Type::Tuple(parts) => parts.elems.iter().all(is_sure),
        Type::Slice(slice) => is_sure(&slice.elem),
        ty => types::last_segment(ty).is_some_and(|last| {
            let (name, arguments) = (last.ident.to_string(), types::arguments(last));
            match name.as_str() {
                "Arc" | "Box" | "Option" | "Vec" => arguments.iter().all(is_sure),
                "String" | "PathBuf" | "Bytes" | "str" => true,
                name => passing::VALUES.contains(&name),
            }
        }),
    }
}
