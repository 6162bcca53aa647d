-- What time is it at the engine? Agenda rows are stamped by its clock, so loops ask it too.
SELECT now64(3, 'UTC')
