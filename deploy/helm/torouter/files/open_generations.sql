SELECT (SELECT count(*) FROM (SELECT 1 FROM generation WHERE state = 'pending' AND expert = '%s' LIMIT %d) AS waiting)
     + (SELECT count(*) FROM generation WHERE state = 'running' AND expert = '%s')
