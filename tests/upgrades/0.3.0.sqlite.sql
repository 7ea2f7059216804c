BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
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
INSERT INTO "batch" VALUES(1,'batch_01a204b23b7f91038cfde4763cd625d4','local','completed','interactive','/v1/prompts',NULL,NULL,1,1,0,0,0,0,10,5,2.0e-05,'{"run": "1"}',NULL,1.79537511926098465923e+09,1.79537511934998035428e+09,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79537511926098465923e+09,1.79537511933799076081e+09,NULL);
INSERT INTO "batch" VALUES(2,'batch_01a204b23bf6aaf7d88a8fe010aca6a7','local','completed','interactive','/v1/prompts',NULL,NULL,1,0,1,0,0,0,0,0,0.0,NULL,NULL,1.79537511935098624236e+09,1.79537511937399959561e+09,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79537511935098624236e+09,1.79537511937399959561e+09,NULL);
INSERT INTO "batch" VALUES(3,'batch_01a204b23c119bc053d507b9d3054ee5','local','in_progress','interactive','/v1/prompts','["general", "math"]',NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,1.7953751193770170212e+09,NULL,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.7953751193770170212e+09,NULL,NULL);
INSERT INTO "batch" VALUES(4,'batch_01a204b23c26aca605196b474d3823d0','local','in_progress','interactive','/v1/prompts',NULL,NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,1.79537511939898443216e+09,NULL,NULL,NULL,NULL,NULL,NULL,'fail',NULL,0,0,0,NULL,0,NULL,NULL,1.79537511939898443216e+09,NULL,NULL);
INSERT INTO "batch" VALUES(5,'batch_01a204b23c4162f170ce71e40260c1f1','local','failed','bulk','/v1/chat/completions',NULL,NULL,0,0,0,0,0,0,0,0,0.0,NULL,1.79546151942799234388e+09,1.79537511942799234395e+09,1.79537511944299936301e+09,'file_01a204b23c3d5c1462fea46ec1a5ec49',NULL,NULL,'24h',NULL,'fail','[{"code": "invalid_json", "message": "no JSON", "line": 1, "param": null}]',0,0,0,'https://receiver.test/hook',1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "batch" VALUES(6,'batch_01a204b23c589de439ae580ee2765d0c','local','in_progress','bulk','/v1/chat/completions',NULL,NULL,2,0,1,0,0,0,0,0,0.0,'{"run": "2"}',1.79546151945301747316e+09,1.79537511945301747322e+09,NULL,'file_01a204b23c3d5c1462fea46ec1a5ec49',NULL,NULL,'24h',NULL,'skip',NULL,0,2,10,NULL,2,NULL,NULL,1.79537511946001791958e+09,NULL,NULL);
CREATE TABLE batch_expert (
	batch_id INTEGER NOT NULL, 
	expert VARCHAR NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	input_tokens INTEGER DEFAULT '0' NOT NULL, 
	output_tokens INTEGER DEFAULT '0' NOT NULL, 
	cost_usd FLOAT DEFAULT '0' NOT NULL, 
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
INSERT INTO "checkpoint" VALUES(1,'checkpoint_01a204b23b6178cecef45a5aa2792873','checkpoints/checkpoint_01a204b23b6178cecef45a5aa2792873','random','["general", "math"]','{"kind": "random", "experts": ["general", "math"]}',1.79537511920401453976e+09,1.795375119220993042e+09,'{"better": true, "reason": "the first", "quality": null, "against": null, "n": 0, "candidate": null, "current": null, "difference": null, "ci95": null, "left_out": 0, "fingerprint": null}');
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
INSERT INTO "decision" VALUES(1,'math','best',NULL,NULL,NULL,0.001,1,1.79537511928500390055e+09);
INSERT INTO "decision" VALUES(2,'general','best',NULL,NULL,NULL,0.001,1,1.7953751193569808006e+09);
INSERT INTO "decision" VALUES(3,NULL,'best',NULL,NULL,NULL,0.001,1,1.79537511939101815218e+09);
CREATE TABLE expert (
	name VARCHAR NOT NULL, 
	spec JSON NOT NULL, 
	enabled BOOLEAN DEFAULT 1 NOT NULL, 
	updated_at FLOAT NOT NULL, 
	CONSTRAINT pk_expert PRIMARY KEY (name)
);
INSERT INTO "expert" VALUES('math','{"name": "math", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.79537511919999122613e+09);
INSERT INTO "expert" VALUES('general','{"name": "general", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.79537511919999122613e+09);
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
INSERT INTO "file" VALUES(1,'file_01a204b23c39991109b49fe8897e5dce','local','lines.jsonl','batch',10,'files/lines',1.79537511941898012164e+09,1.79546151941898012157e+09);
INSERT INTO "file" VALUES(2,'file_01a204b23c3d5c1462fea46ec1a5ec49','local','given.jsonl','batch',10,'files/given',1.79537511942300343509e+09,NULL);
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
	first_token_s FLOAT, logprobs JSON, 
	CONSTRAINT pk_generation PRIMARY KEY (id), 
	CONSTRAINT ck_generation_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_generation_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_generation_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_generation_prompt_id_prompt FOREIGN KEY(prompt_id) REFERENCES prompt (id), 
	CONSTRAINT uq_generation_prompt_id_expert UNIQUE (prompt_id, expert)
);
INSERT INTO "generation" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79537511928798103333e+09,NULL,NULL,NULL,1.79537511928798103333e+09,1.79537511930998849871e+09,1,1,'math',1.0,2.0,'4','stop',10,5,2.0e-05,0.1,0.2,0.5,0.1,NULL,NULL);
INSERT INTO "generation" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79537511935798668859e+09,NULL,'context_length_exceeded','too long',1.79537511935798668859e+09,1.79537511936699891086e+09,2,2,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(3,'running','interactive',1,1,'worker',1.795375118396007061e+09,1.79537511939198374741e+09,NULL,NULL,NULL,1.79537511939198374741e+09,NULL,3,3,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(4,'running','interactive',1,1,'worker',1.795375118396007061e+09,1.79537511939198374741e+09,NULL,NULL,NULL,1.79537511939198374741e+09,NULL,3,3,'math',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
	completion JSON, 
	CONSTRAINT pk_prompt PRIMARY KEY (id), 
	CONSTRAINT ck_prompt_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_prompt_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_prompt_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT uq_prompt_public_id UNIQUE (public_id)
);
INSERT INTO "prompt" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79537511926798534398e+09,NULL,NULL,NULL,1.79537511926798534398e+09,1.79537511933199620244e+09,'prompt_01a204b23b9edb09c5d1dbc0f7f7e9c1',1,'local','/v1/prompts','[{"role": "user", "content": "2+2?"}]','{}','4','math',NULL,NULL,NULL,0,'finished',1,NULL);
INSERT INTO "prompt" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79537511935098624236e+09,NULL,'context_length_exceeded','too long',1.79537511935098624236e+09,1.79537511937198781966e+09,'prompt_01a204b23bf733e3e00b762bf17c92ef',2,'local','/v1/prompts','[{"role": "user", "content": "far too long"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'failed',1,NULL);
INSERT INTO "prompt" VALUES(3,'routed','interactive',1,1,NULL,NULL,1.79537511937798261642e+09,NULL,NULL,NULL,1.79537511937798261642e+09,NULL,'prompt_01a204b23c11db19253ea78ba5d8a9fc',3,'local','/v1/prompts','[{"role": "user", "content": "running"}]','{}',NULL,NULL,NULL,NULL,NULL,2,'running',1,NULL);
INSERT INTO "prompt" VALUES(4,'pending','interactive',0,0,NULL,NULL,1.79537511939898443216e+09,NULL,NULL,NULL,1.79537511939898443216e+09,NULL,'prompt_01a204b23c27b647272f36a26ee2e4c4',4,'local','/v1/prompts','[{"role": "user", "content": "pending"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'pending',1,NULL);
INSERT INTO "prompt" VALUES(5,'pending','bulk',0,0,NULL,NULL,NULL,NULL,NULL,NULL,1.79537511946400117875e+09,NULL,'prompt_01a204b23c685a1e41472882f07faa29',6,'local','/v1/chat/completions','[{"role": "user", "content": "2+3?"}]','{"max_tokens": 7}',NULL,NULL,NULL,NULL,NULL,0,'line-1',1,NULL);
INSERT INTO "prompt" VALUES(6,'failed','bulk',0,0,NULL,NULL,NULL,NULL,'invalid_json','no JSON',1.79537511946400117875e+09,1.79537511946400117875e+09,'prompt_01a204b23c681fb857cff7b3b85c5a3a',6,'local','/v1/chat/completions','[]','{}',NULL,NULL,NULL,NULL,NULL,0,'line-2',2,NULL);
CREATE TABLE request_key (
	owner VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	made VARCHAR NOT NULL, 
	created_at FLOAT NOT NULL, 
	CONSTRAINT pk_request_key PRIMARY KEY (owner, "key")
);
INSERT INTO "request_key" VALUES('local','an upload','0','upload_01a204b23c28ddaa789f22c76424e9eb',1.79537511940200185779e+09);
INSERT INTO "request_key" VALUES('local','a batch','1','batch_01a204b23c4162f170ce71e40260c1f1',1.79537511942501521108e+09);
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
	value FLOAT, 
	CONSTRAINT pk_score PRIMARY KEY (id), 
	CONSTRAINT ck_score_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_score_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_score_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_score_generation_id_generation FOREIGN KEY(generation_id) REFERENCES generation (id), 
	CONSTRAINT uq_score_generation_id_scorer UNIQUE (generation_id, scorer)
);
INSERT INTO "score" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79537511931501770016e+09,NULL,NULL,NULL,1.79537511931501770016e+09,1.79537511934599733351e+09,1,1,'bertsim',0.75);
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
INSERT INTO "upload" VALUES(1,'upload_01a204b23c28ddaa789f22c76424e9eb','local','pending','half.jsonl','batch',20,NULL,NULL,1.79537511940300750735e+09,1.79537871940300750731e+09);
INSERT INTO "upload" VALUES(2,'upload_01a204b23c3736d56c2f2039088361dd','local','completed','lines.jsonl','batch',10,NULL,'file_01a204b23c39991109b49fe8897e5dce',1.79537511941499710078e+09,1.79537871941499710078e+09);
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
INSERT INTO "upload_part" VALUES(1,'part_01a204b23c31f2c13f22dea66c25bd45',1,10,'files/half',1.79537511941201972966e+09);
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
	event VARCHAR NOT NULL, 
	CONSTRAINT pk_webhook PRIMARY KEY (id), 
	CONSTRAINT ck_webhook_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT fk_webhook_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT uq_webhook_batch_id_event UNIQUE (batch_id, event), 
	CONSTRAINT uq_webhook_public_id UNIQUE (public_id)
);
INSERT INTO "webhook" VALUES(1,'pending','interactive',0,0,NULL,NULL,NULL,NULL,NULL,NULL,1.79537511944501113891e+09,NULL,'evt_01a204b23c54e69cc768cac59735b8b5',5,'https://receiver.test/hook','batch.failed');
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
COMMIT;
