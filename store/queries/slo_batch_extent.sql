-- How many leads does a batch hold, and which is the last?
SELECT count(), max(lead_id) FROM slo_batches WHERE batch = {batch:UInt64} AND rank = 0
