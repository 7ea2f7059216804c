BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
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
	not_before FLOAT, 
	deadline_at FLOAT, 
	cancel_requested_at FLOAT, 
	idempotency_key VARCHAR, 
	created_at FLOAT NOT NULL, 
	finished_at FLOAT, 
	CONSTRAINT pk_batch PRIMARY KEY (id), 
	CONSTRAINT ck_batch_state CHECK (state IN ('validating', 'in_progress', 'finalizing', 'completed', 'failed', 'expired', 'cancelling', 'cancelled')), 
	CONSTRAINT ck_batch_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT uq_batch_public_id UNIQUE (public_id)
);
INSERT INTO "batch" VALUES(1,'batch_f4b0e7e855357621aeb16f91','local','completed','interactive','/v1/prompts',NULL,NULL,1,1,0,0,0,0,10,5,2.0e-05,'{"run": "1"}',NULL,NULL,NULL,NULL,1.79535656411700987817e+09,1.79535656418898701674e+09);
INSERT INTO "batch" VALUES(2,'batch_1b227144f75f8d9c69641a43','local','completed','interactive','/v1/prompts',NULL,NULL,1,0,1,0,0,0,0,0,0.0,NULL,NULL,NULL,NULL,NULL,1.79535656419099855425e+09,1.79535656421401214602e+09);
INSERT INTO "batch" VALUES(3,'batch_912ef7338a100eeba6d6467f','local','in_progress','interactive','/v1/prompts','["general", "math"]',NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,NULL,NULL,NULL,1.79535656421501779557e+09,NULL);
INSERT INTO "batch" VALUES(4,'batch_7f328c867d2d7280de3e1281','local','in_progress','interactive','/v1/prompts',NULL,NULL,1,0,0,0,0,0,0,0,0.0,NULL,NULL,NULL,NULL,NULL,1.79535656422801303861e+09,NULL);
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
INSERT INTO "checkpoint" VALUES(1,'checkpoint_e2d1002e570c70505389f3d2','checkpoints/checkpoint_e2d1002e570c70505389f3d2','random','["general", "math"]','{"kind": "random", "experts": ["general", "math"]}',1.79535656410401463505e+09,1.79535656410900354386e+09,'{"better": true, "reason": "the first", "quality": null, "against": null, "n": 0, "candidate": null, "current": null, "difference": null, "ci95": null, "left_out": 0, "fingerprint": null}');
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
INSERT INTO "decision" VALUES(1,'math','best',NULL,NULL,NULL,0.001,1,1.79535656413700580591e+09);
INSERT INTO "decision" VALUES(2,'general','best',NULL,NULL,NULL,0.001,1,1.7953565642010166645e+09);
INSERT INTO "decision" VALUES(3,NULL,'best',NULL,NULL,NULL,0.001,1,1.79535656422000670429e+09);
CREATE TABLE expert (
	name VARCHAR NOT NULL, 
	spec JSON NOT NULL, 
	enabled BOOLEAN DEFAULT 1 NOT NULL, 
	updated_at FLOAT NOT NULL, 
	CONSTRAINT pk_expert PRIMARY KEY (name)
);
INSERT INTO "expert" VALUES('math','{"name": "math", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.79535656409399652479e+09);
INSERT INTO "expert" VALUES('general','{"name": "general", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}',1,1.79535656409500241278e+09);
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
	deadline_at FLOAT, 
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
	first_token_s FLOAT, 
	CONSTRAINT pk_generation PRIMARY KEY (id), 
	CONSTRAINT ck_generation_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_generation_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_generation_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT fk_generation_prompt_id_prompt FOREIGN KEY(prompt_id) REFERENCES prompt (id), 
	CONSTRAINT uq_generation_prompt_id_expert UNIQUE (prompt_id, expert)
);
INSERT INTO "generation" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79535656414199471476e+09,NULL,NULL,NULL,1.79535656414199471476e+09,1.79535656415301847453e+09,1,1,'math',NULL,1.0,2.0,'4','stop',10,5,2.0e-05,0.1,0.2,0.5,0.1,NULL);
INSERT INTO "generation" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79535656420198225973e+09,NULL,'context_length_exceeded','too long',1.79535656420198225973e+09,1.79535656420898294448e+09,2,2,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(3,'running','interactive',1,1,'worker',1.79535656322499561311e+09,1.79535656422201848033e+09,NULL,NULL,NULL,1.79535656422201848033e+09,NULL,3,3,'general',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(4,'running','interactive',1,1,'worker',1.79535656322499561311e+09,1.79535656422201848033e+09,NULL,NULL,NULL,1.79535656422201848033e+09,NULL,3,3,'math',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
	deadline_at FLOAT, 
	cancel_requested_at FLOAT, 
	CONSTRAINT pk_prompt PRIMARY KEY (id), 
	CONSTRAINT ck_prompt_state CHECK (state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')), 
	CONSTRAINT ck_prompt_work_class CHECK (work_class IN ('interactive', 'bulk')), 
	CONSTRAINT fk_prompt_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id), 
	CONSTRAINT uq_prompt_public_id UNIQUE (public_id)
);
INSERT INTO "prompt" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79535656412401056292e+09,NULL,NULL,NULL,1.79535656412401056292e+09,1.79535656416701984404e+09,'prompt_9f7068dd0c804ee886526ddb',1,'local','/v1/prompts','[{"role": "user", "content": "2+2?"}]','{}','4','math',NULL,NULL,NULL,0,'finished',NULL,NULL,NULL);
INSERT INTO "prompt" VALUES(2,'failed','interactive',1,1,NULL,NULL,1.79535656419099855425e+09,NULL,'context_length_exceeded','too long',1.79535656419099855425e+09,1.79535656421200036998e+09,'prompt_0f599bc90c430033608679be',2,'local','/v1/prompts','[{"role": "user", "content": "far too long"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'failed',NULL,NULL,NULL);
INSERT INTO "prompt" VALUES(3,'routed','interactive',1,1,NULL,NULL,1.7953565642159833908e+09,NULL,NULL,NULL,1.7953565642159833908e+09,NULL,'prompt_d51e4a2ceb0aacae20b0e079',3,'local','/v1/prompts','[{"role": "user", "content": "running"}]','{}',NULL,NULL,NULL,NULL,NULL,2,'running',NULL,NULL,NULL);
INSERT INTO "prompt" VALUES(4,'pending','interactive',0,0,NULL,NULL,1.79535656422801303861e+09,NULL,NULL,NULL,1.79535656422801303861e+09,NULL,'prompt_2206c81791eed03ac0064aa5',4,'local','/v1/prompts','[{"role": "user", "content": "pending"}]','{}',NULL,NULL,NULL,NULL,NULL,0,'pending',NULL,NULL,NULL);
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
INSERT INTO "score" VALUES(1,'done','interactive',1,1,NULL,NULL,1.79535656415800762178e+09,NULL,NULL,NULL,1.79535656415800762178e+09,1.79535656418500399588e+09,1,1,'bertsim',0.75);
CREATE INDEX ix_batch_owner ON batch (owner);
CREATE INDEX ix_checkpoint_promoted_at ON checkpoint (promoted_at);
CREATE INDEX ix_prompt_batch_id_id ON prompt (batch_id, id);
CREATE INDEX ix_prompt_state_sent_at ON prompt (state, sent_at) WHERE state IN ('pending', 'running');
CREATE INDEX ix_generation_batch_id ON generation (batch_id);
CREATE INDEX ix_generation_state_sent_at ON generation (state, sent_at) WHERE state IN ('pending', 'running');
CREATE INDEX ix_score_state_sent_at ON score (state, sent_at) WHERE state IN ('pending', 'running');
COMMIT;
