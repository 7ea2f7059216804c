"""What every process agrees on: settings, queue names, tables, schemas, the store and errors."""
