-- Which silences are there? Those that end last first, at most `most`.
SELECT id, matchers, author, reason, starts_at, ends_at, created_at, removed_at, removed_by
FROM silences FINAL
WHERE ends_at > {ended_after:DateTime64(3, 'UTC')} AND ({id:String} = '' OR id = {id:String})
ORDER BY removed_at IS NOT NULL, ends_at DESC, id
LIMIT {most:UInt32}
