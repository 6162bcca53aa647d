-- Which stretches of time were taken out of this objective's budget ('' asks for all)? The latest first.
SELECT id, objective, group_key, starts_at, ends_at, author, reason, created_at, removed_at, removed_by
FROM corrections FINAL
WHERE ({objective:String} = '' OR objective = {objective:String}) AND ({id:String} = '' OR id = {id:String})
ORDER BY starts_at DESC, id
LIMIT {most:UInt32}
