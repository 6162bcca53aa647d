-- Who works on these incidents? The earliest first.
SELECT incident, at, author, note, severity
FROM acknowledgements
WHERE incident IN {incidents:Array(String)}
ORDER BY at, author
