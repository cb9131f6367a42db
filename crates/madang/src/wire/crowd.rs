//! Hearts and beats that come over realtime connections.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Problem;
use live::crowd::{Counting, Crowd};

use super::CrowdAtBurst;

/// Takes the bodies of `POST /api/v1/hearts` and `POST /api/v1/beats` from clients of this process's gateway.
#[async_trait]
pub(crate) trait CrowdTaker: Send + Sync + 'static {
    /// Takes a batch of hearts; the answer's body.
    async fn hearts(&self, batch: Bytes, client: IpAddr) -> Result<Bytes, Problem>;
    /// Takes a beat.
    async fn beat(&self, beat: Bytes, client: IpAddr) -> Result<(), Problem>;
}

/// Who takes them in a process with this crowd; where others count it, they are found at `burst_url`, if that is known.
pub(crate) fn crowd_taker(crowd: &Crowd, burst_url: &str) -> Result<Arc<dyn CrowdTaker>, String> {
    Ok(match &crowd.counting {
        Some(counting) => Arc::new(CrowdHere(counting.clone())),
        None if burst_url.is_empty() => Arc::new(CrowdElsewhere),
        None => Arc::new(CrowdAtBurst::new(burst_url)?),
    })
}

/// The crowd is in this process.
struct CrowdHere(Counting);

#[async_trait]
impl CrowdTaker for CrowdHere {
    async fn hearts(&self, batch: Bytes, client: IpAddr) -> Result<Bytes, Problem> {
        let answer = self.0.hearts.accept(&batch, client).await?;
        serde_json::to_vec(&answer).map(Bytes::from).map_err(|_| Problem::internal())
    }

    async fn beat(&self, beat: Bytes, client: IpAddr) -> Result<(), Problem> {
        Ok(self.0.viewers.beat(&beat, client).await?)
    }
}

/// Another process has the crowd, and nothing goes there from here.
struct CrowdElsewhere;

impl CrowdElsewhere {
    fn problem(route: &str) -> Problem {
        let detail = format!("This process does not count the crowd; send this with POST {route}.");
        Problem::unavailable("crowd_elsewhere", detail).retry_after(5)
    }
}

#[async_trait]
impl CrowdTaker for CrowdElsewhere {
    async fn hearts(&self, _: Bytes, _: IpAddr) -> Result<Bytes, Problem> {
        Err(Self::problem("/api/v1/hearts"))
    }

    async fn beat(&self, _: Bytes, _: IpAddr) -> Result<(), Problem> {
        Err(Self::problem("/api/v1/beats"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn a_process_beside_the_crowd_says_where_hearts_and_beats_go() {
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let hearts = CrowdElsewhere.hearts(Bytes::new(), client).await.unwrap_err();
        let beat = CrowdElsewhere.beat(Bytes::new(), client).await.unwrap_err();
        for (problem, route) in [(hearts, "POST /api/v1/hearts"), (beat, "POST /api/v1/beats")] {
            assert_eq!((problem.status, problem.code, problem.retry_after_s), (503, "crowd_elsewhere", Some(5)));
            assert!(problem.detail.contains(route), "{}", problem.detail);
        }
    }
}
