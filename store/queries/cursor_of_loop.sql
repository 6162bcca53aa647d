-- How far has this loop come?
SELECT at FROM cursors FINAL WHERE loop = {loop:String}
