-- Which versions of flow files have been in force, from when, in the order in which they were decided?
SELECT flow, version, text, applies_at, written_at FROM flow_versions ORDER BY flow, written_at
