"""Who answers: the catalogue, the engines, the weights. Knows no Celery, SQL, FastAPI and settings."""
