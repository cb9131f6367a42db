//! Finds out who is asking, once, and leaves the `Caller` in the request.
//!
//! A token that is unknown or over makes an anonymous caller: a route that needs an account then asks to sign in, and a
//! page with an old cookie still shows what everyone may see.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use kernel::{Caller, Identity, Problem};
use rest::{ClientAddress, Credentials, problem_response};

use crate::Authenticator;

/// The layer.
pub(crate) async fn resolve(
    State(authenticator): State<Arc<dyn Authenticator>>,
    address: ClientAddress,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match Credentials::of(request.headers()).0 {
        None => Caller::anonymous(address.0),
        Some(token) => match identify(&*authenticator, &token, address.0).await {
            Ok(caller) => caller,
            Err(problem) => return problem_response(&problem),
        },
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

async fn identify(authenticator: &dyn Authenticator, token: &str, address: IpAddr) -> Result<Caller, Problem> {
    let identity: Result<Option<Identity>, String> = authenticator.identify(token).await;
    match identity {
        Ok(identity) => Ok(Caller { identity: identity.map(Box::new), address }),
        Err(reason) => {
            tracing::error!(reason, "a session cannot be looked up");
            let detail = "Sessions cannot be looked up at the moment; try again.";
            Err(Problem::unavailable("sessions_unavailable", detail).retry_after(2))
        }
    }
}
