BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE api_key (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	scopes JSON NOT NULL, 
	requests_per_minute INTEGER, 
	concurrent_requests INTEGER, 
	open_prompts INTEGER, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT, 
	revoked_at FLOAT, 
	last_used_at FLOAT, 
	CONSTRAINT pk_api_key PRIMARY KEY (id), 
	CONSTRAINT uq_api_key_digest UNIQUE (digest), 
	CONSTRAINT uq_api_key_public_id UNIQUE (public_id)
);
INSERT INTO "api_key" VALUES(1,'key_01a205f0ccc9d99c951ffd5604aed4d8','0000000000000000000000000000000000000000000000000000000000000000','used','local','["operate", "read", "submit"]',60,4,1000,1.7953959968770132065e+09,1.80317199687701320643e+09,NULL,1.79539599689499735834e+09);
INSERT INTO "api_key" VALUES(2,'key_01a205f0ccdf4e7f02c3701f48b017c9','1111111111111111111111111111111111111111111111111111111111111111','revoked','key_01a205f0ccdf4e7f02c3701f48b017c9','["read", "submit"]',NULL,NULL,NULL,1.79539599689898037903e+09,NULL,1.79539599690598106378e+09,NULL);
CREATE TABLE batch (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	state VARCHAR(16) DEFAULT 'in_progress' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	endpoint VARCHAR NOT NULL, 
	collect JSON, 
	policy VARCHAR, 
	total INTEGER DEFAULT '0' NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	cancelled INTEGER DEFAULT '0' NOT NULL, 
	expired INTEGER DEFAULT '0' NOT NULL, 
	scores_open INTEGER DEFAULT '0' NOT NULL, 
	input_tokens INTEGER DEFAULT '0' NOT NULL, 
	output_tokens INTEGER DEFAULT '0' NOT NULL, 
	cost_usd FLOAT DEFAULT '0' NOT NULL, 
	metadata JSON, 
	deadline_at FLOAT, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, input_file_id VARCHAR, output_file_id VARCHAR, error_file_id VARCHAR, completion_window VARCHAR, output_expires_after_s INTEGER, on_invalid VARCHAR(16) DEFAULT 'fail' NOT NULL, errors JSON, referenced INTEGER DEFAULT '0' NOT NULL, stored_lines INTEGER DEFAULT '0' NOT NULL, stored_bytes INTEGER DEFAULT '0' NOT NULL, webhook_url VARCHAR, fence INTEGER DEFAULT '0' NOT NULL, lease_owner VARCHAR, lease_expires_at FLOAT, in_progress_at FLOAT, finalizing_at FLOAT, cancelling_at FLOAT, 
	CONSTRAINT pk_batch PRIMARY KEY (id), 
	CONSTRAINT ck_batch_state CHECK (state IN ('validating', 'in_progress', 'finalizing', 'completed', 'failed', 'expired', 'cancelling', 'cancelled')), 
	CONSTRAINT ck_batch_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT uq_batch_public_id UNIQUE (public_id)
);
INSERT INTO "batch" VALUES(1,'batch_01a205f0cad74cad92569c6fabd1035a','local','completed','interactive','/v1/prompts',NULL,NULL,1,1,0,0,0,0,10,5,2.0e-05,'{"run": "1"}',NULL,1.79539599639598584177e+09,1.79539599662000393868e+09,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79539599639598584177e+09,1.79539599659501910213e+09,NULL);
INSERT INTO "batch" VALUES(2,'batch_01a205f0cbcf4293670a4f201fc49185','local','completed','interactive','/v1/prompts',NULL,NULL,1,0,1,0,0,0,0,0,0.0,NULL,NULL,1.79539599662398695941e+09,1.79539599666100144386e+09,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79539599662398695941e+09,1.79539599666100144386e+09,NULL);
INSERT INTO "batch" VALUES(3,'batch_01a205f0cc00c862d91e9d370e4ee712','local','in_progress','interactive','/v1/prompts','["general", "math"]',NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,1.79539599667299079894e+09,NULL,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79539599667299079894e+09,NULL,NULL);
INSERT INTO "batch" VALUES(4,'batch_01a205f0cc23157970bc81ef7370a7a7','local','in_progress','interactive','/v1/prompts',NULL,NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,1.79539599671000528339e+09,NULL,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79539599671000528339e+09,NULL,NULL);
INSERT INTO "batch" VALUES(5,'batch_01a205f0cc6c4efd3347b72e1239e5d1','local','failed','bulk','/v1/chat/completions',NULL,NULL,0,0,0,0,0,0,0,0,0.0,NULL,1.79548239678600573534e+09,1.79539599678600573541e+09,1.79539599683098649975e+09,'file_01a205f0cc60ab7fe481696adbb6f564',NULL,NULL,'24h',NULL,'fail','[{"code": "invalid_json", "message": "no JSON", "line": 1, "param": null}]',0,0,0,'https://receiver.test/hook',1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "batch" VALUES(6,'batch_01a205f0ccacab42cb779d06b5e4fcc6','local','in_progress','bulk','/v1/chat/completions',NULL,NULL,2,0,1,0,0,0,0,0,0.0,'{"run": "2"}',1.79548239684699916839e+09,1.79539599684699916837e+09,NULL,'file_01a205f0cc60ab7fe481696adbb6f564',NULL,NULL,'24h',NULL,'skip',NULL,0,2,10,NULL,2,NULL,NULL,1.79539599685601139068e+09,NULL,NULL);
CREATE TABLE batch_expert (
	batch_id INTEGER NOT NULL, 
	expert VARCHAR NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	input_tokens INTEGER DEFAULT '0' NOT NULL, 
	output_tokens INTEGER DEFAULT '0' NOT NULL, 
	cost_usd FLOAT DEFAULT '0' NOT NULL, scored INTEGER DEFAULT '0' NOT NULL, quality_sum FLOAT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_batch_expert PRIMARY KEY (batch_id, expert), 
	CONSTRAINT fk_batch_expert_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id)
);
CREATE TABLE checkpoint (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	router VARCHAR NOT NULL, 
	experts JSON NOT NULL, 
	manifest JSON NOT NULL, 
	created_at FLOAT NOT NULL, 
	promoted_at FLOAT, verdict JSON, 
	CONSTRAINT pk_checkpoint PRIMARY KEY (id), 
	CONSTRAINT uq_checkpoint_key UNIQUE ("key"), 
	CONSTRAINT uq_checkpoint_public_id UNIQUE (public_id)
);
INSERT INTO "checkpoint" VALUES(1,'checkpoint_01a205f0caa8edf79cf038e61967163b','checkpoints/checkpoint_01a205f0caa8edf79cf038e61967163b','random','["general", "math"]','{"kind": "random", "experts": ["general", "math"]}',1.79539599633998131749e+09,1.79539599635301685334e+09,'{"better": true, "reason": "the first", "quality": null, "against": null, "n": 0, "candidate": null, "current": null, "difference": null, "ci95": null, "left_out": 0, "fingerprint": null}');
CREATE TABLE decision (
	prompt_id INTEGER NOT NULL, 
	expert VARCHAR, 
	policy VARCHAR NOT NULL, 
	checkpoint_id INTEGER, 
	prediction_kind VARCHAR, 
	predictions JSON, 
	route_s FLOAT NOT NULL, 
	gathered INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_decision PRIMARY KEY (prompt_id), 
	CONSTRAINT fk_decision_checkpoint_id_checkpoint FOREIGN KEY(checkpoint_id) REFERENCES checkpoint (id), 
	CONSTRAINT fk_decision_prompt_id_prompt FOREIGN KEY(prompt_id) REFERENCES prompt (id)
);
INSERT INTO "decision" VALUES(1,'math','best',NULL,NULL,NULL,0.001,1,1.79539599649701118468e+09);
INSERT INTO "decision" VALUES(2,'general','best',NULL,NULL,NULL,0.001,1,1.79539599663299918172e+09);
INSERT INTO "decision" VALUES(3,NULL,'best',NULL,NULL,NULL,0.001,1,1.79539599669198083882e+09);
CREATE TABLE expert (
	name VARCHAR NOT NULL, 
	spec JSON NOT NULL, 
	enabled BOOLEAN DEFAULT 1 NOT NULL, 
	updated_at FLOAT NOT NULL, 
	CONSTRAINT pk_expert PRIMARY KEY (name)
);
INSERT INTO "expert" VALUES('math','{"name": "math", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.79539599631801390653e+09);
INSERT INTO "expert" VALUES('general','{"name": "general", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.79539599632799172406e+09);
CREATE TABLE file (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	filename VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	bytes INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT, 
	CONSTRAINT pk_file PRIMARY KEY (id), 
	CONSTRAINT uq_file_public_id UNIQUE (public_id)
);
INSERT INTO "file" VALUES(1,'file_01a205f0cc56fab0d6af3c46238f99e7','local','lines.jsonl','batch',10,'files/lines',1.79539599676198673248e+09,1.7954823967619867325e+09);
INSERT INTO "file" VALUES(2,'file_01a205f0cc60ab7fe481696adbb6f564','local','given.jsonl','batch',10,'files/given',1.79539599676898717879e+09,NULL);
CREATE TABLE generation (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	prompt_id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	expert VARCHAR NOT NULL, 
	price_in_usd_per_mtok FLOAT, 
	price_out_usd_per_mtok FLOAT, 
	answer VARCHAR, 
	finish_reason VARCHAR, 
	input_tokens INTEGER, 
	output_tokens INTEGER, 
	cost_usd FLOAT, 
	nll_answer FLOAT, 
	nll_reference FLOAT, 
	inference_s FLOAT, 
	queue_s FLOAT, 
	first_token_s FLOAT, logprobs JSON, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_generation PRIMARY KEY (id), 
	CONSTRAINT ck_generation_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_generation_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_generation_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_generation_prompt_id_prompt FOREIGN KEY(prompt_id) REFERENCES prompt (id), 
	CONSTRAINT uq_generation_prompt_id_expert UNIQUE (prompt_id, expert)
);
INSERT INTO "generation" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79539599651201820375e+09,NULL,NULL,NULL,1.79539599651201820375e+09,1.79539599654798650739e+09,1,1,'math',1.0,2.0,'4','stop',10,5,2.0e-05,0.1,0.2,0.5,0.1,NULL,NULL,0);
INSERT INTO "generation" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79539599663601660731e+09,NULL,'context_length_exceeded','too long',1.79539599663601660731e+09,1.79539599664599442479e+09,2,2,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "generation" VALUES(3,'running','interactive',1,1,'worker',1.79539599570501661298e+09,1.79539599669399261476e+09,NULL,NULL,NULL,1.79539599669399261476e+09,NULL,3,3,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "generation" VALUES(4,'running','interactive',1,1,'worker',1.79539599570501661298e+09,1.79539599669399261476e+09,NULL,NULL,NULL,1.79539599669399261476e+09,NULL,3,3,'math',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE prompt (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	public_id VARCHAR NOT NULL, 
	batch_id INTEGER NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	endpoint VARCHAR NOT NULL, 
	messages JSON NOT NULL, 
	sampling JSON NOT NULL, 
	reference VARCHAR, 
	dataset VARCHAR, 
	expert VARCHAR, 
	policy VARCHAR, 
	metadata JSON, 
	generations_open INTEGER DEFAULT '0' NOT NULL, 
	custom_id VARCHAR, 
	line INTEGER, 
	completion JSON, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_prompt PRIMARY KEY (id), 
	CONSTRAINT ck_prompt_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_prompt_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_prompt_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT uq_prompt_public_id UNIQUE (public_id)
);
INSERT INTO "prompt" VALUES(1,'done','interactive',1,1,NULL,NULL,1.7953959964109926224e+09,NULL,NULL,NULL,1.7953959964109926224e+09,1.79539599658399534228e+09,'prompt_01a205f0caec68bb16d10352408bf4e0',1,'local','/v1/prompts','[{"role": "user", "content": "2+2?"}]','{}','4','math',NULL,NULL,NULL,0,'finished',1,NULL,0);
INSERT INTO "prompt" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79539599662499284741e+09,NULL,'context_length_exceeded','too long',1.79539599662499284741e+09,1.7953959966550066471e+09,'prompt_01a205f0cbd045201901cd51f281323f',2,'local','/v1/prompts','[{"role": "user", "content": "far too long"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'failed',1,NULL,0);
INSERT INTO "prompt" VALUES(3,'routed','interactive',1,1,NULL,NULL,1.79539599667399668689e+09,NULL,NULL,NULL,1.79539599667399668689e+09,NULL,'prompt_01a205f0cc025cd3154c704f73754aee',3,'local','/v1/prompts','[{"role": "user", "content": "running"}]','{}',NULL,NULL,NULL,NULL,NULL,2,'running',1,NULL,0);
INSERT INTO "prompt" VALUES(4,'pending','interactive',0,0,NULL,NULL,1.79539599671101117138e+09,NULL,NULL,NULL,1.79539599671101117138e+09,NULL,'prompt_01a205f0cc26c5d32523e7ed9539cf35',4,'local','/v1/prompts','[{"role": "user", "content": "pending"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'pending',1,NULL,0);
INSERT INTO "prompt" VALUES(5,'pending','bulk',0,0,NULL,NULL,NULL,NULL,NULL,NULL,1.79539599686401796338e+09,NULL,'prompt_01a205f0ccc18a1f159ac46223cf1c78',6,'local','/v1/chat/completions','[{"role": "user", "content": "2+3?"}]','{"max_tokens": 7}',NULL,NULL,NULL,NULL,NULL,0,'line-1',1,NULL,0);
INSERT INTO "prompt" VALUES(6,'failed','bulk',0,0,NULL,NULL,NULL,NULL,'invalid_json','no JSON',1.79539599686401796338e+09,1.79539599686401796338e+09,'prompt_01a205f0ccc128e373110e4c6c5d9e4d',6,'local','/v1/chat/completions','[]','{}',NULL,NULL,NULL,NULL,NULL,0,'line-2',2,NULL,0);
CREATE TABLE request_key (
	owner VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	made VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_request_key PRIMARY KEY (owner, "key")
);
INSERT INTO "request_key" VALUES('local','an upload','0','upload_01a205f0cc2c3ea5abb7f0e79476ecbb',1.79539599671998310092e+09);
INSERT INTO "request_key" VALUES('local','a batch','1','batch_01a205f0cc6c4efd3347b72e1239e5d1',1.7953959967810168266e+09);
CREATE TABLE score (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	generation_id INTEGER NOT NULL, 
	batch_id INTEGER NOT NULL, 
	scorer VARCHAR NOT NULL, 
	value FLOAT, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_score PRIMARY KEY (id), 
	CONSTRAINT ck_score_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_score_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_score_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_score_generation_id_generation FOREIGN KEY(generation_id) REFERENCES generation (id), 
	CONSTRAINT uq_score_generation_id_scorer UNIQUE (generation_id, scorer)
);
INSERT INTO "score" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79539599655800461764e+09,NULL,NULL,NULL,1.79539599655800461764e+09,1.79539599661300325393e+09,1,1,'bertsim',0.75,0);
CREATE TABLE upload (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	owner VARCHAR DEFAULT 'local' NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	filename VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	bytes INTEGER NOT NULL, 
	file_expires_after_s INTEGER, 
	file_id VARCHAR, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	CONSTRAINT pk_upload PRIMARY KEY (id), 
	CONSTRAINT ck_upload_state CHECK (state IN ('pending', 'completed', 'cancelled', 'expired')), 
	CONSTRAINT uq_upload_public_id UNIQUE (public_id)
);
INSERT INTO "upload" VALUES(1,'upload_01a205f0cc2c3ea5abb7f0e79476ecbb','local','pending','half.jsonl','batch',20,NULL,NULL,1.79539599672199487682e+09,1.79539959672199487682e+09);
INSERT INTO "upload" VALUES(2,'upload_01a205f0cc5226b95e2e7ad23a446486','local','completed','lines.jsonl','batch',10,NULL,'file_01a205f0cc56fab0d6af3c46238f99e7',1.79539599675498604772e+09,1.79539959675498604768e+09);
CREATE TABLE upload_part (
	id INTEGER NOT NULL, 
	public_id VARCHAR NOT NULL, 
	upload_id INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_upload_part PRIMARY KEY (id), 
	CONSTRAINT fk_upload_part_upload_id_upload FOREIGN KEY(upload_id) REFERENCES upload (id), 
	CONSTRAINT uq_upload_part_public_id UNIQUE (public_id)
);
INSERT INTO "upload_part" VALUES(1,'part_01a205f0cc466316fe17f6aea9077ded',1,10,'files/half',1.79539599674899125096e+09);
CREATE TABLE usage_hour (
	owner VARCHAR NOT NULL, 
	hour_at INTEGER NOT NULL, 
	expert VARCHAR NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	input_tokens INTEGER DEFAULT '0' NOT NULL, 
	output_tokens INTEGER DEFAULT '0' NOT NULL, 
	cost_usd FLOAT DEFAULT '0' NOT NULL, 
	scored INTEGER DEFAULT '0' NOT NULL, 
	quality_sum FLOAT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_usage_hour PRIMARY KEY (owner, hour_at, expert)
);
INSERT INTO "usage_hour" VALUES('local',1795395600,'math',1,0,10,5,2.0e-05,1,0.75);
INSERT INTO "usage_hour" VALUES('local',1795395600,'general',0,1,0,0,0.0,0,0.0);
CREATE TABLE webhook (
	id INTEGER NOT NULL, 
	state VARCHAR(16) DEFAULT 'pending' NOT NULL, 
	work_class VARCHAR(16) DEFAULT 'interactive' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fence INTEGER DEFAULT '0' NOT NULL, 
	lease_owner VARCHAR, 
	lease_expires_at FLOAT, 
	sent_at FLOAT, 
	not_before FLOAT, 
	error_code VARCHAR, 
	error_message VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	public_id VARCHAR NOT NULL, 
	batch_id INTEGER NOT NULL, 
	url VARCHAR NOT NULL, 
	event VARCHAR NOT NULL, deaths INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_webhook PRIMARY KEY (id), 
	CONSTRAINT ck_webhook_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT fk_webhook_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT uq_webhook_batch_id_event UNIQUE (batch_id, event), 
	CONSTRAINT uq_webhook_public_id UNIQUE (public_id)
);
INSERT INTO "webhook" VALUES(1,'pending','interactive',0,0,NULL,NULL,NULL,NULL,NULL,NULL,1.79539599683698129651e+09,NULL,'evt_01a205f0cc9fa137e3dbb9b343660da9',5,'https://receiver.test/hook','batch.failed',0);
CREATE INDEX ix_checkpoint_promoted_at ON checkpoint (promoted_at);
CREATE INDEX ix_file_expires_at ON file (expires_at);
CREATE INDEX ix_file_owner_id ON file (owner, id);
CREATE INDEX ix_request_key_created_at ON request_key (created_at);
CREATE INDEX ix_request_key_made ON request_key (made);
CREATE INDEX ix_upload_expires_at ON upload (expires_at);
CREATE INDEX ix_upload_part_upload_id ON upload_part (upload_id);
CREATE INDEX ix_webhook_lease_expires_at ON webhook (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_webhook_sent_at_id ON webhook (sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_batch_listed ON batch (owner, id) WHERE input_file_id IS NOT NULL;
CREATE INDEX ix_batch_state ON batch (state) WHERE state IN ('validating', 'in_progress', 'finalizing', 'cancelling');
CREATE INDEX ix_generation_expert_work_class_sent_at_id ON generation (expert, work_class, sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_generation_lease_expires_at ON generation (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_generation_open ON generation (batch_id, id) WHERE state IN ('pending', 'running');
CREATE INDEX ix_prompt_batch_id_line ON prompt (batch_id, line);
CREATE INDEX ix_prompt_lease_expires_at ON prompt (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_prompt_work_class_sent_at_id ON prompt (work_class, sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_score_lease_expires_at ON score (lease_expires_at) WHERE state = 'running';
CREATE INDEX ix_score_sent_at_id ON score (sent_at, id) WHERE state = 'pending';
CREATE INDEX ix_batch_owner_work_class_id ON batch (owner, work_class, id);
CREATE INDEX ix_prompt_unanswered ON prompt (batch_id, state, line) WHERE state IN ('failed', 'cancelled', 'expired');
COMMIT;
