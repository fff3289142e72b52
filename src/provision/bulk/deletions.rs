//! Deletions that follow each other: they wait, and go to the database by sets.

use crate::provision::bulk::{Label, Run};
use crate::provision::delete_sets::{Deletion, delete_each};
use crate::provision::{Expected, ProvisionError};
use scim::bulk::{Method, Operation, ResourceId};

impl Run<'_> {
    /// What a DELETE is about; nothing where that is wrong, or it is none.
    pub(super) fn deletion(&self, operation: &Operation) -> Option<Deletion> {
        if operation.method != Method::Delete || self.check_references(&operation.references).is_err() {
            return None;
        }
        let id = match &operation.id {
            ResourceId::Existing(id) => id.clone(),
            ResourceId::Created(bulk_id) => self.ids.get(bulk_id)?.clone(),
            ResourceId::New => return None,
        };
        let expected = operation.version.as_deref().map_or(Expected::Any, Expected::matching);
        Some(Deletion { resource_type: self.type_at(&operation.endpoint).ok()?, id, expected })
    }

    /// Deletes what waits.
    pub(super) async fn delete_waiting(&mut self) {
        let (labels, deletions): (Vec<Label>, Vec<Deletion>) = std::mem::take(&mut self.deletions).into_iter().unzip();
        let mut done = 0;
        while done < deletions.len() && !self.is_over() {
            let left = self.limit.map(|limit| limit - self.errors);
            let results = delete_each(self.ctx, &deletions[done..], left).await;
            for result in results {
                let outcome: Result<_, ProvisionError> = result.map(|()| (deletions[done].resource_type.clone(), None));
                self.record(&labels[done], outcome);
                done += 1;
            }
        }
    }
}
